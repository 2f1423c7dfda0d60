# Reference figures for arms, session groups and their likeness: nlme, clubSandwich and lme4.
# Run here: Rscript arms.R     (R with nlme, clubSandwich, lme4 and jsonlite; simulates arms.csv,
#                               writes arms.json)
# The waiting list begins between session_7 and session_10. Likeness: of one arm, and of both with a
# mean each.
suppressMessages({library(nlme); library(clubSandwich); library(lme4); library(jsonlite)})
set.seed(20261126)
waves <- c("baseline", "session_7", "session_10")
sizes <- c(18, 30, 12, 41, 25, 22, 36, 16, 28)
rows <- list()
for (o in seq_along(sizes)) {
  set.seed(10 + o); shift <- rnorm(1, 0, 2); n <- sizes[o]; groups <- max(2, round(n / 7))
  for (i in seq_len(n)) {
    g <- 1 + (i * 7) %% groups
    set.seed(1000 * o + g); lift <- rnorm(1, 0, 2.5); set.seed(100000 * o + i)
    arm <- if (g %% 2 == 0) "waiting_list" else "programme"
    begun <- if (arm == "programme") c(0, 1, 1) else c(0, 0, 1)
    own <- rnorm(1, 0, 4)
    y <- round(24 + shift + lift + own + c(0, -0.5, -0.8) + begun * (-2 + shift + lift) + rnorm(3, 0, 3))
    y <- pmin(50, pmax(10, y))
    stays <- c(TRUE, runif(1) < plogis(3 - y[1] / 20), TRUE)
    stays[3] <- if (stays[2]) runif(1) < 0.8 else runif(1) < 0.15
    if (runif(1) < 0.04) stays[1] <- FALSE
    if (any(stays)) rows[[length(rows) + 1]] <- data.frame(officer = sprintf("o%02d-%03d", o, i),
      organisation = sprintf("org_%02d", o), session_group = sprintf("g%02d-%d", o, g), arm = arm,
      wave = waves[stays], score = y[stays])
  }
}
d <- do.call(rbind, rows)
write.csv(d, "arms.csv", row.names = FALSE, quote = FALSE)
d$wave <- factor(d$wave, waves); d$arm <- factor(d$arm); d$t <- as.integer(d$wave)
d <- d[order(d$organisation, d$officer, d$t), ]
d$begun <- as.integer((d$arm == "programme" & d$t > 1) | d$t > 2)
control <- glsControl(maxIter = 500, msMaxIter = 500, opt = "optim", msTol = 1e-12, tolerance = 1e-12)
# Written out, since clubSandwich looks up formula and data by the names they have in the call.
fit <- function(formula, data) eval(bquote(
  gls(.(formula), .(data), correlation = corSymm(form = ~ t | officer), weights = varIdent(form = ~ 1 | wave),
      method = "REML", control = control)))
# Both are linear in the coefficients that come in the order of the formula.
said <- function(m, cluster, contrasts) {
  V <- vcovCR(m, cluster = cluster, type = "CR2")
  found <- linear_contrast(m, V, contrasts)
  list(estimate = found$Est, se = sqrt(diag(contrasts %*% vcov(m) %*% t(contrasts))), se_clustered = found$SE, df = found$df)
}
d$cell <- factor(paste(d$arm, d$wave), paste(rep(levels(d$arm), each = 3), waves))
by_wave <- fit(score ~ 0 + cell, quote(d))
difference <- rbind(c(-1, 1, 0, 1, -1, 0), c(-1, 0, 1, 1, 0, -1))
in_steps <- fit(score ~ 0 + arm + wave + begun, quote(d))
one <- droplevels(d[d$organisation == "org_04", ])
within <- fit(score ~ 0 + wave, quote(one))
out <- list(
  versions = list(R = as.character(getRversion()), nlme = as.character(packageVersion("nlme")),
                  clubSandwich = as.character(packageVersion("clubSandwich")), lme4 = as.character(packageVersion("lme4"))),
  loglik = as.numeric(logLik(by_wave)),
  means = said(by_wave, d$organisation, diag(6)),
  difference_in_change = said(by_wave, d$organisation, difference),
  in_steps = said(in_steps, d$organisation, t(c(0, 0, 0, 0, 1))),
  one_organisation = c(list(organisation = "org_04", groups = nlevels(factor(one$session_group))),
                       said(within, one$session_group, rbind(diag(3), cbind(-1, diag(2))))))
wide <- reshape(d[, c("officer", "organisation", "session_group", "arm", "wave", "score")],
                idvar = c("officer", "organisation", "session_group", "arm"), timevar = "wave", direction = "wide")
wide$baseline <- wide$score.baseline; wide$change <- wide$score.session_10 - wide$score.baseline
likeness <- function(y, officers, fixed) {
  officers$y <- officers[[y]]
  nested <- lmer(update(fixed, . ~ . + (1 | organisation) + (1 | session_group)), officers, REML = TRUE,
                 control = lmerControl(optCtrl = list(ftol_abs = 1e-14, xtol_abs = 1e-12)))
  alone <- lmer(update(fixed, . ~ . + (1 | organisation)), officers, REML = TRUE)
  v <- as.data.frame(VarCorr(nested)); v <- setNames(v$vcov, v$grp)
  w <- as.data.frame(VarCorr(alone)); w <- setNames(w$vcov, w$grp)
  list(n = nobs(nested), sd = summary(lm(fixed, officers))$sigma, organisation = v[["organisation"]] / sum(v),
       session_group = (v[["organisation"]] + v[["session_group"]]) / sum(v), variance = sum(v),
       organisations_alone = w[["organisation"]] / sum(w), reml = as.numeric(REMLcrit(nested)))
}
for (y in c("baseline", "change")) {
  out[[y]] <- likeness(y, wide[wide$arm == "programme", ], y ~ 1)
  out[[paste(y, "of both arms")]] <- likeness(y, wide, y ~ arm)
}
write(toJSON(out, digits = 12, auto_unbox = TRUE, pretty = TRUE), "arms.json")
