# Reference numbers for tk.measurement.cfa, by lavaan. Run in this folder: Rscript reference.R ../../reference/data
# Writes lavaan.json; of the Holzinger-Swineford data (1939) only means and covariances by school are kept.
suppressMessages({library(lavaan); library(jsonlite)})
folder <- commandArgs(TRUE)[1]
hs <- HolzingerSwineford1939
model <- "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
# the rest: six items at two waves, which do not fit, with missing answers by a rule rather than by draws
y <- read.csv(file.path(folder, "items_misfit.csv")); items <- setdiff(names(y), "z")
two <- paste0("a =~ ", paste0("t0_i", 1:6, collapse = " + "), "\nb =~ ", paste0("t1_i", 1:6, collapse = " + "))
miss <- y; n <- nrow(y)
for (j in seq_along(items)) miss[seq(j, n, by = 6 + j), items[j]] <- NA
# people low on the first item more often lack the last: missing at random
miss$t1_i6[!is.na(miss$t0_i1) & miss$t0_i1 < 0 & seq_len(n) %% 2 == 0] <- NA
groups <- ifelse(seq_len(n) <= n / 2, paste0("g", (seq_len(n) - 1) %/% 8), paste0("alone", seq_len(n)))
show <- function(fit, more = character()) {
  pe <- parameterEstimates(fit, ci = FALSE); pe <- pe[pe$op %in% c("=~", "~~", "~1"), ]
  st <- standardizedSolution(fit)
  g <- if ("group" %in% names(pe)) pe$group else rep(1, nrow(pe))
  st <- st[st$op %in% c("=~", "~~", "~1"), ]
  list(fit = as.list(fitMeasures(fit)), lhs = pe$lhs, op = pe$op, rhs = pe$rhs, group = g, est = pe$est, se = pe$se, std = st$est.std)
}
mi <- function(fit, ...) { m <- modindices(fit, ...); list(lhs = m$lhs, op = m$op, rhs = m$rhs, mi = m$mi, epc = m$epc, sepc = m$sepc.all) }
out <- list()
f <- cfa(model, hs, std.lv = TRUE); out$hs <- show(f)
# indices of modification from this fit: lavaan stops nearer to the maximum than with std.lv, where it is off in the fifth digit
f <- cfa(model, hs); out$hs_marker <- show(f); out$hs_marker$mi <- mi(f)
f <- cfa(paste0(model, "\nx7 ~~ x8\nx1 ~~ x2"), hs, std.lv = TRUE); out$hs_pairs <- show(f)
for (e in list(list("configural", ""), list("metric", "loadings"), list("scalar", c("loadings", "intercepts")), list("strict", c("loadings", "intercepts", "residuals")), list("means", c("loadings", "intercepts", "residuals", "means")))) {
  f <- cfa(model, hs, group = "school", group.equal = e[[2]]); out[[paste0("school_", e[[1]])]] <- show(f)
}
f <- cfa(model, hs, group = "school", group.equal = c("loadings", "intercepts"), std.lv = TRUE); out$school_scalar_std <- show(f)
ts <- lavTestScore(f)$uni; out$school_scalar_std$score <- list(lhs = ts$lhs, rhs = ts$rhs, x2 = ts$X2)

f <- cfa(two, miss, missing = "fiml", std.lv = TRUE); out$fiml <- show(f); out$fiml$mi <- mi(f)
f <- cfa(two, miss, missing = "fiml", group = "z", group.equal = c("loadings", "intercepts")); out$fiml_groups <- show(f)
f <- cfa(two, y, estimator = "MLR", std.lv = TRUE); out$mlr <- show(f)
f <- cfa(two, y, estimator = "MLR", std.lv = TRUE, group = "z", group.equal = c("loadings", "intercepts")); out$mlr_groups <- show(f)
f <- cfa(two, miss, estimator = "MLR", missing = "fiml", std.lv = TRUE); out$mlr_fiml <- show(f)
y$cluster <- groups; f <- cfa(two, y, cluster = "cluster", std.lv = TRUE); out$cluster <- show(f)
f <- cfa(model, hs, std.lv = TRUE); s <- lavPredict(f); out$scores <- list(visual = s[1:5, 1], textual = s[1:5, 2], speed = s[1:5, 3])
f <- cfa(model, hs, group = "school"); m <- lavInspect(f, "sampstat")
out$moments <- lapply(m, function(g) list(cov = unclass(g$cov), mean = as.numeric(g$mean))); out$moments_n <- as.list(lavInspect(f, "nobs"))
writeLines(toJSON(out, auto_unbox = TRUE, digits = 12, na = "null"), "lavaan.json")
cat(as.character(packageVersion("lavaan")), "\n")
