# The mixed model by nlme's gls: Rscript gls.R <long CSV: officer, wave, score>
# The last line is JSON: seconds of the fit alone with its own settings, estimates, standard
# errors.
# Ends with 3 where a package is missing.
if (!requireNamespace("nlme", quietly = TRUE) || !requireNamespace("jsonlite", quietly = TRUE)) quit(status = 3)
suppressMessages({library(nlme); library(jsonlite)})
args <- commandArgs(TRUE); d <- read.csv(args[1]); d$t <- d$wave; d$wave <- factor(d$wave)
d <- d[order(d$officer, d$t), ]
took <- system.time(m <- gls(score ~ 0 + wave, d, correlation = corSymm(form = ~ t | officer),
  weights = varIdent(form = ~ 1 | wave), method = "REML",
  control = glsControl(maxIter = 500, msMaxIter = 500)))
cat(toJSON(list(seconds = took[["elapsed"]], estimate = unname(coef(m)), se = unname(sqrt(diag(vcov(m))))), digits = 12), "\n")
