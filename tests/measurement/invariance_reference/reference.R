# Reference numbers for tk.measurement.invariance and latent_effect, by lavaan. Run in this folder: Rscript reference.R ../../reference/data
# Writes lavaan.json. Data as in ../cfa_reference/reference.R: six items at two waves, answers missing by a rule, peer groups of eight.
suppressMessages({library(lavaan); library(jsonlite)})
y <- read.csv(file.path(commandArgs(TRUE)[1], "items_misfit.csv")); items <- setdiff(names(y), "z")
miss <- y; n <- nrow(y)
for (j in seq_along(items)) miss[seq(j, n, by = 6 + j), items[j]] <- NA
miss$t1_i6[!is.na(miss$t0_i1) & miss$t0_i1 < 0 & seq_len(n) %% 2 == 0] <- NA
groups <- ifelse(seq_len(n) <= n / 2, paste0("g", (seq_len(n) - 1) %/% 8), paste0("alone", seq_len(n)))
y$cluster <- groups; miss$cluster <- groups
rep2 <- function(x, g) if (g == 1) x else paste0("c(", paste(rep(x, g), collapse = ","), ")")

# one factor a wave; marker item 1; equal over waves and, with g = 2, over groups
waves <- function(level, g = 1, free = integer()) {
  load <- function(w) paste(c(paste0("t", w, "_i1"), sapply(2:6, function(j) {
    own <- level == "configural" || (w == 1 && j %in% free)
    paste0(if (own) "" else paste0(rep2(paste0("l", j), g), "*"), "t", w, "_i", j)
  })), collapse = " + ")
  out <- c(paste("a =~", load(0)), paste("b =~", load(1)), paste0("t0_i", 1:6, " ~~ t1_i", 1:6))
  if (level == "scalar") {
    for (w in 0:1) for (j in 1:6) {
      own <- w == 1 && j %in% free
      out <- c(out, paste0("t", w, "_i", j, " ~ ", if (own) "1" else paste0(rep2(paste0("n", j), g), "*1")))
    }
    out <- c(out, paste0("a ~ ", if (g == 1) "0*1" else "c(0,NA)*1"), paste0("b ~ ", if (g == 1) "NA*1" else "c(NA,NA)*1"))
  }
  paste(out, collapse = "\n")
}
fit <- function(f) as.list(fitMeasures(f))[c("chisq", "df", "cfi", "rmsea", "srmr")]
levels <- c("configural", "metric", "scalar")
out <- list()
for (k in levels) out$both[[k]] <- fit(cfa(waves(k, 2), y, group = "z", meanstructure = TRUE))
for (k in levels) out$fiml[[k]] <- fit(cfa(waves(k), miss, missing = "fiml"))
m <- lapply(levels, function(k) cfa(waves(k), y, estimator = "MLR", meanstructure = TRUE)); names(m) <- levels
for (k in 2:3) {
  t <- lavTestLRT(m[[k - 1]], m[[k]], method = "satorra.bentler.2001")
  out$scaled[[levels[k]]] <- list(chisq = t[2, "Chisq diff"], df = t[2, "Df diff"], p = t[2, "Pr(>Chisq)"],
                                  scaled = fitMeasures(m[[k]], "chisq.scaled")[[1]], cfi = fitMeasures(m[[k]], "cfi.robust")[[1]],
                                  rmsea = fitMeasures(m[[k]], "rmsea.robust")[[1]])
}
out$partial <- fit(cfa(waves("scalar", free = c(3, 5)), y))

latent <- function(data, free = integer(), ...) {
  # the factor variances and the arm are random, so that the standard errors do not condition on them
  text <- sub("b ~ NA\\*1", "b ~ NA*1\nb ~ c*z + s*a\na ~~ va*a\na ~~ z\nz ~~ z\nz ~ 1\nstd := c / sqrt(va)", waves("scalar", free = free))
  f <- sem(text, data, fixed.x = FALSE, ...)
  p <- parameterEstimates(f); r <- p[p$label %in% c("c", "s", "std"), ]
  c(fit(f), list(label = r$label, est = r$est, se = r$se), mi = NULL)
}
out$latent <- latent(y, estimator = "MLR", information = "observed")
out$latent_fiml <- latent(miss, missing = "fiml", estimator = "MLR")
out$latent_cluster <- latent(y, cluster = "cluster", information = "observed")
out$latent_partial <- latent(y, free = c(3, 5), estimator = "MLR", information = "observed")
write_json(out, "lavaan.json", auto_unbox = TRUE, digits = 12, na = "null")
