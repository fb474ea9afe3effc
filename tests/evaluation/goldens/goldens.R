# Reference figures by R, one list per table of inputs/: writes goldens.json.
#
#   python inputs.py && Rscript goldens.R          (in this folder)
#
# Debian 12: r-base-core r-cran-survival r-cran-proc r-cran-cmprsk r-cran-riskregression
# r-cran-vcd r-cran-mice r-cran-jsonlite. Every entry says what it is; times are in the table's unit.
suppressPackageStartupMessages({
  library(survival); library(pROC); library(cmprsk); library(riskRegression)
  library(vcd); library(mice); library(jsonlite)
})

# Survival functions just before and at times, of a fit.
at <- function(fit, t) summary(fit, times = t, extend = TRUE)$surv
before <- function(fit, t) {
  steps <- stepfun(fit$time, c(1, fit$surv), right = TRUE)
  steps(t)
}

kaplan_meier <- function(d, h) {
  times <- c(h / 3, h * 2 / 3, h)
  curve <- function(type) {
    fit <- survfit(Surv(time, died) ~ 1, d, conf.type = type)
    s <- summary(fit, times = times, extend = TRUE)
    list(surv = s$surv, lower = s$lower, upper = s$upper, se = s$std.err, n_risk = s$n.risk,
         median = unname(quantile(fit, 0.5)$quantile),
         median_lower = unname(quantile(fit, 0.5)$lower),
         median_upper = unname(quantile(fit, 0.5)$upper))
  }
  reverse <- survfit(Surv(time, event == 0) ~ 1, d, conf.type = "log-log")
  q <- quantile(reverse, 0.5)
  rmst <- function(x) {
    tb <- summary(survfit(Surv(time, died) ~ 1, x), rmean = h)$table
    c(tb[["rmean"]], tb[["se(rmean)"]])
  }
  ends <- c(max(d$time[d$high == 0]), max(d$time[d$high == 1]))
  tau <- min(h, ends)
  hi <- summary(survfit(Surv(time, died) ~ 1, d[d$high == 1, ]), rmean = tau)$table
  lo <- summary(survfit(Surv(time, died) ~ 1, d[d$high == 0, ]), rmean = tau)$table
  list(times = times, log_log = curve("log-log"), plain = curve("plain"),
       follow_up = unname(c(q$quantile, q$lower, q$upper)), rmst = rmst(d), rmst_tau = tau,
       rmst_high = c(hi[["rmean"]], hi[["se(rmean)"]]), rmst_low = c(lo[["rmean"]], lo[["se(rmean)"]]))
}

log_rank <- function(d) {
  test <- function(f) { s <- survdiff(f, d); c(s$chisq, length(s$n) - 1) }
  groups <- survdiff(Surv(time, died) ~ stage, d)
  w <- sort(unique(d$stage))
  u <- sum(w * (groups$obs - groups$exp))
  trend <- u^2 / as.numeric(t(w) %*% groups$var %*% w)
  high <- survdiff(Surv(time, died) ~ high + strata(fold), d)
  list(high = test(Surv(time, died) ~ high), stage = test(Surv(time, died) ~ stage),
       stratified = c(high$chisq, 1), trend = c(trend, 1))
}

# Maximiser of the log partial likelihood plus half the log determinant of its information
# (Firth), by a search that uses coxph only to evaluate both.
firth <- function(f, d, p) {
  objective <- function(b) {
    fit <- tryCatch(coxph(f, d, init = b, iter.max = 0), error = function(e) NULL)
    if (is.null(fit)) return(-1e10) # a step of the search that overflows
    fit$loglik[2] - 0.5 * as.numeric(determinant(vcov(fit))$modulus)
  }
  best <- list(par = rep(0, p))
  for (again in 1:3) # the second and third start where the search before them stopped
    best <- optim(best$par, function(b) -objective(b), method = "BFGS",
                  control = list(reltol = 1e-16, maxit = 500, ndeps = rep(1e-5, p)))
  list(coef = best$par, penalised = -best$value, null = objective(rep(0, p)))
}

cox <- function(d) {
  one <- function(f) {
    s <- summary(coxph(f, d))
    list(hr = unname(s$conf.int[, 1]), lower = unname(s$conf.int[, 3]),
         upper = unname(s$conf.int[, 4]), p = unname(s$coefficients[, 5]),
         loglik = coxph(f, d)$loglik, score_test = unname(s$sctest[1]))
  }
  zph <- function(f, transform) unname(cox.zph(coxph(f, d), transform = transform)$table[, 1])
  small <- coxph(Surv(time, died) ~ x1 + x2 + factor(stage), d)
  large <- update(small, . ~ . + score_a)
  lrt <- 2 * (large$loglik[2] - small$loglik[2])
  inter <- coxph(Surv(time, died) ~ score_a * factor(stage), d)
  plain <- coxph(Surv(time, died) ~ score_a + factor(stage), d)
  list(high = one(Surv(time, died) ~ high),
       per_sd = one(Surv(time, died) ~ I((score_a - mean(score_a)) / sd(score_a))),
       several = one(Surv(time, died) ~ score_a + x1 + x2),
       strata = one(Surv(time, died) ~ score_a + strata(fold)),
       lrt = c(lrt, 1, pchisq(lrt, 1, lower.tail = FALSE)),
       interaction = c(2 * (inter$loglik[2] - plain$loglik[2]), nlevels(factor(d$stage)) - 1),
       zph_identity = zph(Surv(time, died) ~ score_a + x1 + x2, "identity"),
       zph_km = zph(Surv(time, died) ~ score_a + x1 + x2, "km"),
       zph_rank = zph(Surv(time, died) ~ score_a + x1 + x2, "rank"),
       zph_strata = zph(Surv(time, died) ~ score_a + x1 + strata(fold), "km"),
       firth_one = firth(Surv(time, died) ~ high, d, 1),
       firth_two = firth(Surv(time, died) ~ high + scale(x2), d, 2))
}

concordances <- function(d, h) {
  one <- function(...) {
    s <- concordance(..., data = d, reverse = TRUE)
    c(s$concordance, sqrt(s$var))
  }
  strata <- one(Surv(time, died) ~ score_a + strata(fold))
  # Uno's C by its formula: G is the Kaplan-Meier curve of the censoring time, just before T.
  uno <- function(score) {
    g <- before(survfit(Surv(time, 1 - died) ~ 1, d), d$time)
    top <- bottom <- 0
    for (i in which(d$died == 1 & d$time <= h)) {
      later <- d$time > d$time[i] | (d$time == d$time[i] & d$died == 0)
      w <- 1 / g[i]^2
      bottom <- bottom + w * sum(later)
      top <- top + w * sum((score[i] > score[later]) + 0.5 * (score[i] == score[later]))
    }
    top / bottom
  }
  list(harrell_a = one(Surv(time, died) ~ score_a), harrell_b = one(Surv(time, died) ~ score_b),
       harrell_strata = strata, uno_a = uno(d$score_a), uno_b = uno(d$score_b),
       # R's own: G(t-) with ties of deaths and censorings broken another way
       uno_survival = one(Surv(time, died) ~ score_a, timewt = "n/G2", ymax = h))
}

time_dependent <- function(d, h) {
  times <- c(h / 2, h * 3 / 4, h)
  d <- data.frame(d) # Score() turns the table it gets into another class
  auc <- Score(list(a = d$score_a, b = d$score_b), Surv(time, died) ~ 1, d, times = times,
               metrics = "auc", se.fit = TRUE, conf.int = TRUE, cens.model = "km",
               contrasts = list(c(2, 1)))
  a <- as.data.frame(auc$AUC$score); k <- as.data.frame(auc$AUC$contrasts)
  g <- survfit(Surv(time, 1 - died) ~ 1, d)
  brier <- function(r, t) {
    dead <- d$died == 1 & d$time <= t
    alive <- d$time > t
    mean(dead * (1 - r)^2 / before(g, d$time) + alive * r^2 / at(g, t))
  }
  s <- survfit(Surv(time, died) ~ 1, d)
  null <- 1 - at(s, h)
  grid <- seq(h / 5, h, length.out = 5)
  # risk over time: that at the horizon with proportional hazards
  along <- sapply(grid, function(t) brier(1 - (1 - d$risk)^(t / h), t))
  ibs <- sum(diff(grid) * (head(along, -1) + tail(along, -1)) / 2) / (h - h / 5)
  scored <- Score(list(a = d$risk), Surv(time, died) ~ 1, d, times = h, metrics = "brier",
                  se.fit = TRUE, conf.int = TRUE, cens.model = "km", summary = "ipa")
  b <- as.data.frame(scored$Brier$score)
  mine <- b[b$model == "a", ]
  # The AUC by its formula, for G(T-) and ties may differ from the package's.
  formula_auc <- function(score, t) {
    case <- which(d$died == 1 & d$time <= t); w <- 1 / before(g, d$time[case])
    control <- score[d$time > t]
    sum(w * sapply(score[case], function(x) mean((x > control) + 0.5 * (x == control)))) / sum(w)
  }
  list(times = times,
       auc_a = a$AUC[a$model == "a"], se_a = a$se[a$model == "a"],
       auc_b = a$AUC[a$model == "b"], se_b = a$se[a$model == "b"],
       formula_a = sapply(times, function(t) formula_auc(d$score_a, t)),
       formula_b = sapply(times, function(t) formula_auc(d$score_b, t)),
       difference = k$delta.AUC, difference_se = k$se,
       brier = brier(d$risk, h), brier_package = mine$Brier, brier_se = mine$se,
       ipa = 1 - brier(d$risk, h) / brier(null, h), ipa_package = mine$IPA,
       ibs = ibs, ibs_grid = grid)
}

binary <- function(d, h) {
  known <- d$died == 1 & d$time <= h | d$time > h | (d$event == 0 & d$time == h)
  k <- d[known, ]
  y <- as.integer(k$died == 1 & k$time <= h)
  a <- roc(y, k$score_a, direction = "<", quiet = TRUE)
  b <- roc(y, k$score_b, direction = "<", quiet = TRUE)
  paired <- roc.test(a, b, method = "delong", paired = TRUE)
  wilson <- function(x, n) as.numeric(prop.test(x, n, correct = FALSE)$conf.int)
  high <- k$high == 1
  share <- function(x, n) c(x / n, wilson(x, n))
  list(n = nrow(k), cases = sum(y), auc_a = as.numeric(ci.auc(a))[c(2, 1, 3)],
       auc_b = as.numeric(ci.auc(b))[c(2, 1, 3)], paired_z = unname(paired$statistic),
       paired_p = paired$p.value,
       sensitivity = suppressWarnings(share(sum(high & y == 1), sum(y == 1))),
       specificity = suppressWarnings(share(sum(!high & y == 0), sum(y == 0))),
       ppv = suppressWarnings(share(sum(high & y == 1), sum(high))),
       npv = suppressWarnings(share(sum(!high & y == 0), sum(!high))))
}

calibration <- function(d, h) {
  s <- survfit(Surv(time, died) ~ 1, d)
  observed <- 1 - at(s, h)
  events <- sum(d$died == 1 & d$time <= h)
  oe <- observed / mean(d$risk)
  cut <- transform(d, died = ifelse(time > h, 0, died), time = pmin(time, h),
                   link = log(-log(1 - risk)))
  slope <- summary(coxph(Surv(time, died) ~ link, cut))
  net <- function(p) {
    high <- d$risk >= p
    if (!any(high)) return(0)
    surv <- at(survfit(Surv(time, died) ~ 1, d[high, ]), h)
    mean(high) * ((1 - surv) - surv * p / (1 - p))
  }
  points <- c(0.2, 0.3, 0.4, 0.5)
  fourth <- cut(d$risk, quantile(d$risk, 0:4 / 4), include.lowest = TRUE, labels = FALSE)
  groups <- lapply(1:4, function(i) {
    x <- d[fourth == i, ]
    f <- summary(survfit(Surv(time, died) ~ 1, x, conf.type = "log-log"), times = h, extend = TRUE)
    c(mean(x$risk), 1 - f$surv, 1 - f$upper, 1 - f$lower, nrow(x))
  })
  list(oe = oe, oe_lower = oe * exp(-qnorm(0.975) / sqrt(events)),
       oe_upper = oe * exp(qnorm(0.975) / sqrt(events)),
       slope = slope$coefficients[1, 1], slope_se = slope$coefficients[1, 3],
       net_points = points, net_benefit = sapply(points, net),
       net_all = observed - (1 - observed) * points / (1 - points), groups = groups)
}

competing <- function(d, h) {
  if (!any(d$event == 2)) return(NULL)
  times <- c(h / 3, h * 2 / 3, h)
  whole <- cuminc(d$time, d$event)
  t <- timepoints(whole, times)
  by_high <- cuminc(d$time, d$event, d$high)
  by_stage <- cuminc(d$time, d$event, d$stage)
  stratified <- cuminc(d$time, d$event, d$high, strata = d$fold)
  g <- timepoints(by_high, times)
  fit <- function(x) { f <- crr(d$time, d$event, x); list(coef = unname(f$coef), robust_se = unname(sqrt(diag(f$var)))) }
  weighted <- finegray(Surv(time, factor(event, 0:2)) ~ ., d[, c("time", "event", "high", "score_a", "x1")], etype = 1)
  fg <- coxph(Surv(fgstart, fgstop, fgstatus) ~ score_a + x1, weighted, weights = fgwt)
  aj <- survfit(Surv(time, factor(event, 0:2)) ~ 1, d)
  s <- summary(aj, times = times, extend = TRUE)
  # AUC with other deaths as controls: only the lost are censored (Blanche 2013, definition 2)
  lost <- survfit(Surv(time, event == 0) ~ 1, d)
  case <- d$event == 1 & d$time <= h; control <- d$time > h | (d$event == 2 & d$time <= h)
  w <- 1 / ifelse(d$time > h, at(lost, h), before(lost, d$time))
  right <- outer(d$score_a[case], d$score_a[control], function(x, y) (x > y) + 0.5 * (x == y))
  pairs <- outer(w[case], w[control])
  scored <- Score(list(a = d$score_a), Hist(time, event) ~ 1, data.frame(d), times = h, cause = 1,
                  metrics = "auc", cens.model = "km")
  list(times = times, incidence_1 = unname(t$est["1 1", ]), variance_1 = unname(t$var["1 1", ]),
       incidence_2 = unname(t$est["1 2", ]), variance_2 = unname(t$var["1 2", ]),
       incidence_high = unname(g$est["1 1", ]), incidence_low = unname(g$est["0 1", ]),
       survival_se_1 = unname(s$std.err[, 2]),
       gray_high = unname(by_high$Tests["1", ]), gray_stage = unname(by_stage$Tests["1", ]),
       gray_stratified = unname(stratified$Tests["1", ]),
       crr_high = fit(d$high), crr_two = fit(cbind(d$score_a, d$x1)),
       finegray_two = unname(coef(fg)),
       auc_other_control = sum(pairs * right) / sum(pairs),
       auc_other_control_package = as.data.frame(scored$AUC$score)$AUC[1])
}

readers <- function(d, h) {
  if (is.null(d$reader_1)) return(NULL)
  calls <- d[, c("reader_1", "reader_2", "reader_3")]
  complete <- calls[complete.cases(calls), ]
  # Fleiss (1971), two categories
  high <- rowSums(complete); n <- nrow(complete)
  p <- c(mean(high) / 3, 1 - mean(high) / 3)
  agree <- (high * (high - 1) + (3 - high) * (2 - high)) / 6
  fleiss <- (mean(agree) - sum(p^2)) / (1 - sum(p^2))
  cohen <- sapply(list(1:2, c(1, 3), 2:3), function(ij) {
    both <- calls[complete.cases(calls[, ij]), ij]
    Kappa(table(both[, 1], both[, 2]))$Unweighted[["value"]]
  })
  votes <- rowSums(calls, na.rm = TRUE); seen <- rowSums(!is.na(calls))
  majority <- ifelse(seen == 0 | 2 * votes == seen, NA, as.integer(2 * votes > seen))
  known <- d$died == 1 & d$time <= h | d$time > h
  case <- known & d$died == 1 & d$time <= h & !is.na(majority)
  pair <- table(factor(d$high[case], 0:1), factor(majority[case], 0:1))
  b <- pair[1, 2]; c <- pair[2, 1]
  list(fleiss = fleiss, n_complete = n, unanimous = mean(high %in% c(0, 3)), cohen = cohen,
       majority_high = sum(majority == 1, na.rm = TRUE), majority_missing = sum(is.na(majority)),
       mcnemar_b = b, mcnemar_c = c, mcnemar_p = binom.test(b, b + c)$p.value)
}

small <- list(
  # Fleiss (1971): six psychiatrists, 30 patients, five diagnoses; kappa 0.430 in the paper
  holm = p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm"),
  # Rubin's rules for five imputations: estimate, total variance, degrees of freedom
  rubin = with(pool.scalar(c(0.50, 0.62, 0.55, 0.47, 0.58), c(0.04, 0.05, 0.045, 0.038, 0.052),
                           n = 420, k = 4), c(qbar, t, df)),
  # corrected resampled t (Nadeau and Bengio 2003): 30 differences, 280 learnt from, 140 tested
  resampled = local({
    x <- sin(1:30) / 20 + 0.02
    t <- mean(x) / sqrt((1 / 30 + 140 / 280) * var(x))
    c(t, 2 * pt(-abs(t), 29))
  })
)

figures <- lapply(setNames(nm = sub("\\.csv$", "", list.files("inputs", "csv$"))), function(name) {
  d <- read.csv(file.path("inputs", paste0(name, ".csv")))
  h <- d$horizon[1]
  d$died <- as.integer(d$event == 1)
  message(name)
  list(horizon = h, n = nrow(d), kaplan_meier = kaplan_meier(d, h), log_rank = log_rank(d),
       cox = cox(d), concordance = concordances(d, h), time_dependent = time_dependent(d, h),
       binary = binary(d, h), calibration = calibration(d, h), competing = competing(d, h),
       readers = readers(d, h))
})

versions <- sapply(c("survival", "pROC", "cmprsk", "riskRegression", "vcd", "mice"),
                   function(x) as.character(packageVersion(x)))
writeLines(toJSON(list(R = R.version.string, versions = as.list(versions), small = small,
                       tables = figures), digits = I(14), auto_unbox = TRUE, null = "null",
                  pretty = TRUE, na = "null"), "goldens.json")
