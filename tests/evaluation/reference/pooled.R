# Reference figures for random effects, from R's metafor.
# Run here: Rscript pooled.R        (R with metafor and jsonlite; writes pooled.json)
# Sets of estimates with their variances: many and few, alike and different, one that is far off. The
# test "adhoc" is Hartung and Knapp's with its multiplier floored at 1, "knha" without.
suppressMessages({library(metafor); library(jsonlite)})
sets <- list(
  twelve = list(y = c(-2.1, -.4, -3.3, -1.2, .6, -2.8, -1.9, -.2, -4.1, -1.0, -2.2, -.9),
                v = c(1.9, .64, 1.2, .55, .81, 2.4, .33, .48, 1.6, .72, .95, .41)),
  alike = list(y = c(-1.52, -1.49, -1.55, -1.47, -1.50, -1.53), v = c(.8, 1.1, .6, .9, 1.4, .7)),
  far_off = list(y = c(-1.1, -.8, -1.3, -.9, 9.5), v = c(.4, .6, .3, .5, .7)),
  unequal = list(y = c(-.7, 1.9, -2.4, .3, -1.6, 2.2, -.1), v = c(.01, 4, 2.5, .09, 1.2, 6.1, .04)),
  four = list(y = c(.2, -1.4, -2.9, .8), v = c(.5, .7, .6, .9)),
  three = list(y = c(-2.0, -.5, -3.1), v = c(.42, .37, .55)),
  two = list(y = c(-1.7, .9), v = c(.31, .58))
)
exact <- list(threshold = 1e-12, maxiter = 10000, stepadj = .5)
fit <- function(y, v, test) rma(y, v, method = "REML", test = test, control = exact)
of <- function(s) {
  knha <- fit(s$y, s$v, "knha"); adhoc <- fit(s$y, s$v, "adhoc")
  between <- confint(knha, control = list(tol = 1e-12, tau2.max = 1e4))$random["tau^2", 2:3]
  reach <- function(f) qt(.975, f$k - 1) * sqrt(f$tau2 + f$se^2) * c(-1, 1) + as.numeric(f$b)
  without <- lapply(seq_along(s$y), function(i) if (length(s$y) > 2) {
    f <- fit(s$y[-i], s$v[-i], "adhoc")
    list(estimate = as.numeric(f$b), ci = c(f$ci.lb, f$ci.ub), tau2 = f$tau2)
  })
  list(y = s$y, v = s$v, estimate = as.numeric(knha$b), tau2 = knha$tau2, tau2_ci = unname(between),
       i2 = knha$I2 / 100, q = knha$QE, q_p = knha$QEp,
       ci_unfloored = c(knha$ci.lb, knha$ci.ub), ci = c(adhoc$ci.lb, adhoc$ci.ub),
       prediction = reach(adhoc), weights = unname(weights(knha)) / 100, without = without)
}
out <- list(versions = list(R = as.character(getRversion()),
                            metafor = as.character(packageVersion("metafor"))),
            sets = lapply(sets, of))
write(toJSON(out, digits = 12, auto_unbox = TRUE, pretty = TRUE, null = "null"), "pooled.json")
