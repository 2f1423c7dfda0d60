# Reference figures for reliability, from R's factanal and the textbook's formulas.
# Run here: Rscript reliability.R <the simulated answers that test_reference_figures.py reads>
#           (R with jsonlite; writes reliability.json)
# By organisation and wave, and by wave. factanal fits correlations; omega is of the sum of the items
# as they are. nstart and a tight control make sure that the fit has arrived.
suppressMessages(library(jsonlite))
d <- read.csv(commandArgs(TRUE)[1])
for (i in c(1, 4, 15, 17, 29)) d[[paste0("q", i)]] <- 6 - d[[paste0("q", i)]]
subscales <- list(
  compassion_satisfaction = c(3, 6, 12, 16, 18, 20, 22, 24, 27, 30),
  burnout = c(1, 4, 8, 10, 15, 17, 19, 21, 26, 29),
  secondary_traumatic_stress = c(2, 5, 7, 9, 11, 13, 14, 23, 25, 28)
)
waves <- c("baseline", "session_7", "session_10", "follow_up_3m", "follow_up_6m")
of <- function(x, organisation, wave, subscale) {
  x <- x[complete.cases(x), ]
  n <- nrow(x); p <- ncol(x); v <- cov(x)
  alpha <- p / (p - 1) * (1 - sum(diag(v)) / sum(v))
  limits <- 1 - (1 - alpha) * qf(c(.975, .025), n - 1, (n - 1) * (p - 1))
  fit <- tryCatch(
    factanal(covmat = v, factors = 1, n.obs = n, rotation = "none", nstart = 3,
             control = list(opt = list(factr = 10, maxit = 5000, pgtol = 0))),
    error = function(e) NULL)
  s <- sqrt(diag(v))
  omega <- NA; limit <- NA
  if (!is.null(fit) && fit$converged) {
    common <- sum(fit$loadings[, 1] * s)^2
    omega <- common / (common + sum(fit$uniquenesses * s^2))
    limit <- min(fit$uniquenesses) < .00501
  }
  list(organisation = organisation, wave = wave, subscale = subscale, n = n, alpha = alpha,
       alpha_low = limits[1], alpha_high = limits[2], omega = omega, at_limit = limit)
}
out <- list()
for (s in names(subscales)) for (w in waves) {
  items <- paste0("q", subscales[[s]])
  out[[length(out) + 1]] <- of(d[d$wave == w, items], "all", w, s)
  for (o in sort(unique(d$organisation)))
    out[[length(out) + 1]] <- of(d[d$wave == w & d$organisation == o, items], o, w, s)
}
write(toJSON(list(versions = list(R = as.character(getRversion())), rows = out), digits = 10,
             auto_unbox = TRUE, pretty = TRUE, na = "null"), "reliability.json")
