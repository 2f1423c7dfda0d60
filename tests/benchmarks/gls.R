# The mixed model by nlme's gls: Rscript gls.R <long CSV: officer, wave, score> <number of waves>
# The last line is JSON: seconds of the fit alone, estimates, standard errors.
suppressMessages({library(nlme); library(jsonlite)})
args <- commandArgs(TRUE); d <- read.csv(args[1]); d$t <- d$wave; d$wave <- factor(d$wave)
d <- d[order(d$officer, d$t), ]
took <- system.time(m <- gls(score ~ 0 + wave, d, correlation = corSymm(form = ~ t | officer),
  weights = varIdent(form = ~ 1 | wave), method = "REML",
  control = glsControl(maxIter = 500, msMaxIter = 500, opt = "optim", msTol = 1e-8, tolerance = 1e-8)))
cat(toJSON(list(seconds = took[["elapsed"]], estimate = unname(coef(m)), se = unname(sqrt(diag(vcov(m)))))), "\n")
