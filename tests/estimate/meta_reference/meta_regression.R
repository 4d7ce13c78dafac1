# Reference numbers of meta-regression: R 4.2, metafor 3.8.1, robumeta 2.0, clubSandwich 0.5.8.
# Rscript meta_regression.R > meta_regression.csv
suppressMessages({library(metafor); library(robumeta); library(clubSandwich)})
rows <- list()
put <- function(case, name, value) rows[[length(rows) + 1]] <<- data.frame(case, name, value = sprintf("%.12g", value))
tight <- list(threshold = 1e-12, tol = 1e-12, maxiter = 1000)

bcg <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
for (i in seq_len(nrow(bcg))) for (n in c("yi", "vi", "ablat", "year")) put("bcg_data", paste0(n, i), bcg[[n]][i])
for (method in c("REML", "PM", "DL", "FE")) {
  f <- rma(yi, vi, mods = ~ ablat + year, data = bcg, method = method, test = if (method == "FE") "z" else "knha", control = tight)
  case <- paste0("bcg_", method)
  for (j in 1:3) {
    put(case, paste0("b", j), f$beta[j]); put(case, paste0("se", j), f$se[j]); put(case, paste0("p", j), f$pval[j])
    put(case, paste0("low", j), f$ci.lb[j]); put(case, paste0("high", j), f$ci.ub[j])
  }
  for (n in c("tau2", "I2", "QE", "QEp", "QM", "QMp")) put(case, n, f[[n]])
  if (method != "FE") put(case, "R2", f$R2)
  p <- predict(f, newmods = c(40, 1960))
  put(case, "predict", p$pred); put(case, "predict_low", p$ci.lb); put(case, "predict_high", p$ci.ub)
  if (method != "FE") { put(case, "new_low", p$pi.lb); put(case, "new_high", p$pi.ub) }
}
f <- rma(yi, vi, mods = ~ ablat + year, data = bcg, method = "REML", test = "z", control = tight)
for (j in 1:3) { put("bcg_z", paste0("se", j), f$se[j]); put("bcg_z", paste0("p", j), f$pval[j]) }
put("bcg_z", "QM", f$QM); put("bcg_z", "QMp", f$QMp)
f <- rma(yi, vi, mods = ~ alloc, data = subset(bcg, TRUE), method = "REML", test = "knha", control = tight)
for (j in 1:3) { put("bcg_alloc", paste0("b", j), f$beta[j]); put("bcg_alloc", paste0("se", j), f$se[j]) }
put("bcg_alloc", "QM", f$QM); put("bcg_alloc", "QMp", f$QMp)

# effects within studies: made here, so that no data set is copied
set.seed(20)
m <- 14
k <- rep(c(1, 2, 3, 5), length.out = m)
d <- data.frame(study = rep(seq_len(m), k))
d$x <- round(rnorm(m), 2)[d$study]
d$z <- rep(c(0, 1), length.out = nrow(d))
d$v <- round(runif(nrow(d), .01, .08), 4)
d$y <- round(.2 + .1 * d$x - .1 * d$z + rnorm(m, 0, .25)[d$study] + rnorm(nrow(d), 0, sqrt(d$v)), 4)
for (i in seq_len(nrow(d))) for (n in c("study", "x", "z", "v", "y")) put("dependent_data", paste0(n, i), d[[n]][i])
for (rho in c(0, .5, .8)) {
  f <- robu(y ~ x + z, data = d, studynum = study, var.eff.size = v, modelweights = "CORR", rho = rho, small = TRUE)
  case <- paste0("robu_", rho)
  for (j in 1:3) {
    r <- f$reg_table
    put(case, paste0("b", j), r$b.r[j]); put(case, paste0("se", j), r$SE[j]); put(case, paste0("df", j), r$dfs[j]); put(case, paste0("p", j), r$prob[j])
  }
  put(case, "tau2", as.numeric(f$mod_info$tau.sq))
  w <- Wald_test(f, constraints = constrain_zero(2:3), vcov = "CR2", test = "HTZ")
  put(case, "F", w$Fstat); put(case, "F_df", w$df_denom); put(case, "F_p", w$p_val)
}
f <- robu(y ~ 1, data = d, studynum = study, var.eff.size = v, modelweights = "CORR", rho = .8, small = TRUE)
put("robu_mean", "b1", f$reg_table$b.r[1]); put("robu_mean", "se1", f$reg_table$SE[1]); put("robu_mean", "df1", f$reg_table$dfs[1])
put("robu_mean", "tau2", as.numeric(f$mod_info$tau.sq))
write.csv(do.call(rbind, rows), row.names = FALSE, quote = FALSE)
