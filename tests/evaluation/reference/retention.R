# Reference figures for retention, from R's survival package.
# Run here: Rscript retention.R        (R with survival and jsonlite; draws officers.csv anew, seed fixed,
#                                       and writes retention.json)
# Simulated officers: time 1..5 is the last wave answered; state is what came after it. An event at a
# time is that the next wave was not answered, so those of whom that is not known leave before it,
# half a step earlier. Who answered the last wave stays until the end.
suppressMessages({library(survival); library(jsonlite)})
set.seed(20261126)
officer <- function(i, dropping, leaving) {
  last <- sample(1:5, 1, prob = c(.05, .05, .1, .2, .6))   # the last wave that has closed
  for (time in 1:last) {
    if (time == 5) return(c(time, "censored"))
    u <- runif(1)
    if (u < dropping) return(c(time, "dropped_out"))
    if (u < dropping + leaving) return(c(time, "left_organisation"))
  }
  c(last, "censored")
}
sizes <- c(north = 90, south = 60, east = 45, west = 25)
dropping <- c(north = .06, south = .12, east = .18, west = .10)
d <- do.call(rbind, lapply(names(sizes), function(o)
  data.frame(organisation = o, t(sapply(1:sizes[[o]], officer, dropping[[o]], .05)))))
names(d)[2:3] <- c("time", "state")
d$time <- as.integer(d$time)
write.csv(d, "officers.csv", row.names = FALSE, quote = FALSE)

d$state <- factor(d$state, c("censored", "dropped_out", "left_organisation"))
d$until <- ifelse(d$state == "censored" & d$time < 5, d$time - .5, d$time)
many <- survfit(Surv(until, state) ~ 1, data = d, id = 1:nrow(d), conf.type = "log-log")
one <- survfit(Surv(until, state != "censored") ~ 1, data = d, conf.type = "log-log")
many <- summary(many, times = 1:5)
one <- summary(one, times = 1:5)
of <- function(state) {
  k <- which(many$states == state)
  list(share = many$pstate[, k], se = many$std.err[, k], lower = many$lower[, k], upper = many$upper[, k])
}
test <- survdiff(Surv(until, state == "dropped_out") ~ organisation, data = d)
out <- list(
  versions = list(R = as.character(getRversion()), survival = as.character(packageVersion("survival"))),
  time = many$time,
  n_at_risk = one$n.risk,
  retained = list(share = one$surv, se = one$std.err, lower = one$lower, upper = one$upper),
  dropped_out = of("dropped_out"),
  left_organisation = of("left_organisation"),
  logrank = list(chisq = test$chisq, df = length(test$n) - 1)
)
write(toJSON(out, digits = 12, auto_unbox = TRUE, pretty = TRUE, na = "null"), "retention.json")
