# Reference figures for the attrition model, from R's glm run until nothing moves.
# Run here: Rscript attrition.R <the simulated answers that test_reference_figures.py reads>
#           (R with jsonlite; writes attrition.json)
# By default glm stops at a change of the deviance of 1e-8 and takes standard errors from the step
# before. Here that is the third step, and the standard error of the intercept is 4e-5 off.
suppressMessages(library(jsonlite))
d <- read.csv(commandArgs(TRUE)[1])
for (i in c(1, 4, 15, 17, 29)) d[[paste0("q", i)]] <- 6 - d[[paste0("q", i)]]
total <- function(i) rowSums(d[, paste0("q", i)])          # NA unless every item is answered
d$compassion_satisfaction <- total(c(3, 6, 12, 16, 18, 20, 22, 24, 27, 30))
d$burnout <- total(c(1, 4, 8, 10, 15, 17, 19, 21, 26, 29))
d$secondary_traumatic_stress <- total(c(2, 5, 7, 9, 11, 13, 14, 23, 25, 28))
d$wave <- factor(d$wave, c("baseline", "session_7", "session_10", "follow_up_3m", "follow_up_6m"))
last <- tapply(as.integer(d$wave), d$participant, max)
b <- d[d$wave == "baseline", ]
b$dropped <- as.integer(last[b$participant] < 5)
b <- b[complete.cases(b[, c("compassion_satisfaction", "burnout", "secondary_traumatic_stress")]), ]
sizes <- table(b$organisation)
b$organisation <- relevel(factor(b$organisation), names(sizes)[which.max(sizes)])
fit <- function(formula) {
  g <- glm(formula, binomial, b, control = list(epsilon = 1e-15, maxit = 100))
  list(n = nobs(g), term = names(coef(g)), estimate = unname(coef(g)), se = unname(sqrt(diag(vcov(g)))))
}
scores <- dropped ~ compassion_satisfaction + burnout + secondary_traumatic_stress
out <- list(
  versions = list(R = as.character(getRversion())),
  scores = fit(scores),
  scores_and_organisation = fit(update(scores, . ~ . + organisation)),
  smallest = list(n = min(sizes), dropped = min(tapply(b$dropped, b$organisation, sum)))
)
write(toJSON(out, digits = 12, auto_unbox = TRUE, pretty = TRUE), "attrition.json")
