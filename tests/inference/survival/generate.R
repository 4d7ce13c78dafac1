# Numbers of R's survival package for tests/inference/test_survival_reference.py. Run in this folder: Rscript generate.R
# Input people.csv: made by people.py. Output reference.csv: one number a row, with its name.
library(survival)
options(digits = 17)
d <- read.csv("people.csv")
out <- list()
put <- function(name, values) for (i in seq_along(values)) out[[length(out) + 1]] <<- data.frame(name = name, place = i, value = values[i])
put("version", as.numeric(sub("^(\\d+)\\.(\\d+).*", "\\1.\\2", as.character(packageVersion("survival")))))

tight <- coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 50)
cox <- function(name, formula, ...) {
  f <- do.call(coxph, list(formula, data = d, robust = FALSE, control = tight, ...))
  put(paste0(name, ".coef"), coef(f)); put(paste0(name, ".se"), sqrt(diag(f$var))); put(paste0(name, ".loglik"), f$loglik)
  u <- residuals(f, type = "score", weighted = TRUE)
  put(paste0(name, ".score1"), as.matrix(u)[, 1])
  f
}
f <- cox("efron", Surv(weeks, event) ~ z + x)
put("efron.martingale", residuals(f, type = "martingale"))
for (tr in c("km", "identity")) { q <- cox.zph(f, transform = tr, terms = FALSE, global = FALSE); put(paste0("zph.", tr), q$table[, "chisq"]) }
f <- cox("breslow", Surv(weeks, event) ~ z + x, ties = "breslow")
f <- cox("strata", Surv(weeks, event) ~ z + x + strata(site))
q <- cox.zph(f, transform = "km", terms = FALSE, global = FALSE); put("zph.strata", q$table[, "chisq"])
f <- cox("entry", Surv(entry, weeks, event) ~ z + x + strata(site))
f <- cox("weighted", Surv(weeks, event) ~ z + x, weights = d$w)
f <- coxph(Surv(weeks, event) ~ z + x, data = d, weights = w, robust = TRUE, control = tight)
put("weighted.robust", sqrt(diag(f$var)))
f <- coxph(Surv(weeks, event) ~ z + x + strata(site), data = d, cluster = unit, control = tight)
put("clustered.robust", sqrt(diag(f$var)))

km <- function(name, formula, ...) {
  s <- summary(do.call(survfit, list(formula, data = d, conf.type = "log-log", ...)))
  put(paste0(name, ".time"), s$time); put(paste0(name, ".surv"), s$surv); put(paste0(name, ".se"), s$std.err)
  put(paste0(name, ".low"), s$lower); put(paste0(name, ".high"), s$upper)
}
km("km", Surv(weeks, event) ~ 1)
km("km.entry", Surv(entry, weeks, event) ~ 1)
km("km.weighted", Surv(weeks, event) ~ 1, weights = d$w, robust = TRUE)
q <- quantile(survfit(Surv(weeks, event) ~ 1, data = d, conf.type = "log-log"), 0.5)
put("median", unlist(q))
s <- survfit(Surv(weeks, factor(status, 0:2)) ~ 1, data = d)
m <- summary(s)
put("aj.time", m$time); put("aj.share", m$pstate[, 2]); put("aj.se", m$std.err[, 2])
r <- summary(s, rmean = 15)$table
put("aj.lost", r[2, 3])
put("rmst", summary(survfit(Surv(weeks, event) ~ 1, data = d), rmean = 15)$table[c("rmean", "se(rmean)")])

for (st in c(FALSE, TRUE)) {
  s <- if (st) survdiff(Surv(weeks, event) ~ arm + strata(site), data = d) else survdiff(Surv(weeks, event) ~ arm, data = d)
  k <- if (st) "logrank.strata" else "logrank"
  put(paste0(k, ".chisq"), s$chisq)
  put(paste0(k, ".observed"), if (st) rowSums(s$obs) else s$obs); put(paste0(k, ".expected"), if (st) rowSums(s$exp) else s$exp)
}
lung$female <- lung$sex - 1
for (g in 0:1) put(paste0("lung.rmst", g), summary(survfit(Surv(time, status == 2) ~ 1, data = lung, subset = female == g), rmean = 965)$table[c("rmean", "se(rmean)", "median", "0.95LCL", "0.95UCL")])
f <- coxph(Surv(time, status == 2) ~ female, data = lung, control = tight); put("lung.cox", c(coef(f), sqrt(f$var), cox.zph(f)$table[1, 1:3]))
put("lung.logrank", survdiff(Surv(time, status == 2) ~ female, data = lung)$chisq)
all <- do.call(rbind, out)
all$value <- formatC(all$value, digits = 16, format = "g")
write.csv(all, "reference.csv", row.names = FALSE, quote = FALSE)
