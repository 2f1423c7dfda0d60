# Reference figures for attrition weights and for multiple imputation, written apart from the product.
# Run here: Rscript robustness.R    (R with jsonlite and clubSandwich; reads robustness.csv, which
#           holds simulated officers, and writes robustness.json; about two minutes)
# Weights: a glm after every answered wave, fitted until nothing moves; the rule is that of
# attrition_weights.py. Variance: clubSandwich's CR2 with independence as the working model.
# Imputation: means and covariances by EM, their uncertainty by bootstrap of officers, organisations
# ignored. The product draws them by data augmentation, so that the two share no step.
suppressMessages({library(jsonlite); library(clubSandwich)})
options(warn = 2)
d <- read.csv("robustness.csv", na.strings = "")
waves <- c("baseline", "session_5", "session_7", "session_10")
subscales <- c("compassion_satisfaction", "burnout", "secondary_traumatic_stress")
d <- d[d$officer %in% d$officer[d$wave == "baseline"], ]
people <- unique(d[, c("officer", "organisation", "rank_group")])
people$rank_group[is.na(people$rank_group)] <- "unknown"
n <- nrow(people)
y <- array(NA_real_, c(n, 4, 3))
for (w in 1:4) { x <- d[d$wave == waves[w], ]; y[match(x$officer, people$officer), w, ] <- as.matrix(x[, subscales]) }
answered <- apply(!is.na(y), c(1, 2), any)

pooled <- function(g, again) {             # small groups as one; with the largest if still too small
  came <- tapply(again, g, sum); gone <- tapply(!again, g, sum)
  own <- names(came)[came >= 5 & gone >= 5]
  rest <- !(g %in% own)
  if (length(own) && (sum(again[rest]) < 5 || sum(!again[rest]) < 5)) {
    size <- (came + gone)[own]; own <- setdiff(own, names(size)[which.max(size)])
  }
  factor(ifelse(g %in% own, g, " rest"))
}
weights_at <- function(t) {
  p <- rep(1, n); last <- matrix(NA_real_, n, 3)
  for (a in 1:(t - 1)) {
    seen <- !is.na(y[, a, ]); last[seen] <- y[, a, ][seen]
    r <- answered[, a]
    again <- apply(answered[r, (a + 1):t, drop = FALSE], 1, any)
    x <- last[r, ]; for (s in 1:3) x[is.na(x[, s]), s] <- mean(x[, s], na.rm = TRUE)
    f <- data.frame(again, x1 = x[, 1], x2 = x[, 2], x3 = x[, 3],
                    g = pooled(people$rank_group[r], again), o = pooled(people$organisation[r], again))
    terms <- c("x1", "x2", "x3", if (nlevels(f$g) > 1) "g", if (nlevels(f$o) > 1) "o")
    m <- glm(reformulate(terms, "again"), binomial, f, control = list(epsilon = 1e-15, maxit = 100))
    p[r] <- p[r] * fitted(m)
  }
  came <- answered[, t]
  w <- mean(came) / p[came]; q <- quantile(w, c(.01, .99)); w <- pmin(pmax(w, q[1]), q[2])
  out <- rep(0, n); out[came] <- w; out
}
weighted <- list()
for (t in 2:4) { w <- weights_at(t); for (s in 1:3) {
  change <- y[, t, s] - y[, 1, s]; k <- !is.na(change) & w > 0
  f <- data.frame(change = change[k], w = w[k])
  m <- lm(change ~ 1, f, weights = w)
  v <- vcovCR(m, cluster = people$organisation[k], type = "CR2", target = rep(1, nrow(f)))
  ct <- coef_test(m, vcov = v, test = "Satterthwaite")
  df <- min(ct$df_Satt, length(unique(people$organisation[k])) - 1)
  weighted[[length(weighted) + 1]] <- list(wave = waves[t], subscale = subscales[s], n = nrow(f), estimate = ct$beta,
    se = ct$SE, df = df, ci_low = ct$beta - qt(.975, df) * ct$SE, ci_high = ct$beta + qt(.975, df) * ct$SE,
    effective_n = sum(f$w)^2 / sum(f$w^2))
} }

wide <- matrix(y, n)                        # columns: all waves of the first subscale, then the next
em <- function(x) {
  D <- ncol(x); mu <- colMeans(x, na.rm = TRUE); S <- diag(apply(x, 2, var, na.rm = TRUE))
  key <- apply(is.na(x), 1, function(r) paste(which(r), collapse = ","))
  groups <- split(seq_len(nrow(x)), key)
  for (step in 1:1000) {
    z <- x; C <- matrix(0, D, D)
    for (g in groups) {
      m <- is.na(x[g[1], ]); if (!any(m)) next
      B <- solve(S[!m, !m], S[!m, m, drop = FALSE])
      z[g, m] <- sweep(sweep(x[g, !m, drop = FALSE], 2, mu[!m]) %*% B, 2, mu[m], "+")
      C[m, m] <- C[m, m] + length(g) * (S[m, m] - crossprod(S[!m, m, drop = FALSE], B))
    }
    new <- colMeans(z); S2 <- (crossprod(sweep(z, 2, new)) + C) / nrow(x)
    moved <- max(abs(new - mu), abs(S2 - S)); mu <- new; S <- S2
    if (moved < 1e-7) break
  }
  list(mu = mu, S = S, steps = step)
}
completed_changes <- function(x, fit) {     # change of the mean of everybody, expected and with one draw
  z <- x; drawn <- x
  for (i in seq_len(nrow(x))) { m <- is.na(x[i, ]); if (!any(m)) next
    B <- solve(fit$S[!m, !m], fit$S[!m, m, drop = FALSE])
    z[i, m] <- fit$mu[m] + (x[i, !m] - fit$mu[!m]) %*% B
    R <- fit$S[m, m] - crossprod(fit$S[!m, m, drop = FALSE], B)
    drawn[i, m] <- z[i, m] + as.vector(crossprod(chol(R), rnorm(sum(m)))) }
  first <- rep(c(1, 5, 9), each = 3); later <- c(2:4, 6:8, 10:12)
  list(expected = colMeans(z[, later] - z[, first]), drawn = colMeans(drawn[, later] - drawn[, first]))
}
fit <- em(wide); set.seed(20261126)
boots <- 300
b <- t(replicate(boots, completed_changes(wide, em(wide[sample(n, replace = TRUE), ]))$drawn))
imputation <- list(steps = fit$steps, likelihood_change = completed_changes(wide, fit)$expected,
  imputations = boots, mean = colMeans(b), between_sd = apply(b, 2, sd),
  order = as.vector(outer(waves[2:4], subscales, paste)))
out <- list(versions = list(R = as.character(getRversion()), clubSandwich = as.character(packageVersion("clubSandwich"))),
  n = n, weighted = weighted, imputation = imputation)
write(toJSON(out, digits = 12, auto_unbox = TRUE, pretty = TRUE), "robustness.json")
