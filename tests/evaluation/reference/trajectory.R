# Reference figures for the mixed model clustered by organisation: nlme's gls with clubSandwich's CR2.
# Run here: Rscript trajectory.R <the simulated answers that test_reference_figures.py reads>
#           (R with nlme, clubSandwich and jsonlite; writes trajectory.json)
suppressMessages({library(nlme); library(clubSandwich); library(jsonlite)})
d <- read.csv(commandArgs(TRUE)[1])
for (i in c(1, 4, 15, 17, 29)) d[[paste0("q", i)]] <- 6 - d[[paste0("q", i)]]
items <- list(compassion_satisfaction = c(3, 6, 12, 16, 18, 20, 22, 24, 27, 30),
              burnout = c(1, 4, 8, 10, 15, 17, 19, 21, 26, 29),
              secondary_traumatic_stress = c(2, 5, 7, 9, 11, 13, 14, 23, 25, 28))
waves <- c("baseline", "session_7", "session_10", "follow_up_3m", "follow_up_6m")
d$wave <- factor(d$wave, waves)
out <- list(versions = list(R = as.character(getRversion()), nlme = as.character(packageVersion("nlme")),
                            clubSandwich = as.character(packageVersion("clubSandwich"))))
for (s in names(items)) {
  d$y <- rowSums(d[, paste0("q", items[[s]])])             # NA unless every item is answered
  long <- na.omit(d[, c("participant", "organisation", "wave", "y")])
  long <- long[order(long$organisation, long$participant, long$wave), ]
  long$t <- as.integer(long$wave)
  m <- gls(y ~ 0 + wave, long, correlation = corSymm(form = ~ t | participant),
           weights = varIdent(form = ~ 1 | wave), method = "REML",
           control = glsControl(maxIter = 500, msMaxIter = 500, opt = "optim", msTol = 1e-12, tolerance = 1e-12))
  V <- vcovCR(m, cluster = long$organisation, type = "CR2")
  level <- linear_contrast(m, V, diag(5))
  change <- linear_contrast(m, V, cbind(-1, diag(4)))
  out[[s]] <- list(reml_loglik = as.numeric(logLik(m)), estimate = level$Est, se_clustered = level$SE, df = level$df,
                   change = change$Est, change_se_clustered = change$SE, change_df = change$df,
                   sd = unname(m$sigma * coef(m$modelStruct$varStruct, unconstrained = FALSE, allCoef = TRUE)[waves]))
}
write(toJSON(out, digits = 12, auto_unbox = TRUE, pretty = TRUE), "trajectory.json")
