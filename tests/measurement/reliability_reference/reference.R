# Numbers of the R package psych for tests/measurement/test_reliability_psych.py. Run here: Rscript reference.R > psych.txt
# Data: ../../reference/data/items.csv at t0, items 3 and 7 turned around, with answers removed by a rule; ratings of Shrout & Fleiss (1979);
# psych::bfi, of which only the coefficients are kept here.
suppressMessages(library(psych))
d <- read.csv("../../reference/data/items.csv")
A <- as.matrix(d[, paste0("t0_i", 1:8)])
A[, c(3, 7)] <- 6 - A[, c(3, 7)]
C <- A
for (i in seq_len(nrow(A))) for (j in 1:8) if ((7 * i + 3 * j) %% 13 == 0) A[i, j] <- NA
show <- function(name, x) cat(name, format(as.numeric(x), digits = 15), "\n")
a <- psych::alpha(as.data.frame(A))
show("raw_alpha", a$total$raw_alpha)
show("std_alpha", a$total$std.alpha)
show("average_r", a$total$average_r)
show("r_drop", a$item.stats$r.drop)
show("alpha_drop", a$alpha.drop$raw_alpha)
show("item_n", a$item.stats$n)
show("item_sd", a$item.stats$sd)
p <- psych::polychoric(C, correct = 0)
show("polychoric", p$rho[lower.tri(p$rho)])
sf <- matrix(c(9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7), ncol = 4, byrow = TRUE)
i <- psych::ICC(sf, lmer = FALSE)$results
show("icc", i$ICC)
show("icc_low", i$"lower bound")
show("icc_high", i$"upper bound")
keys <- list(A = "A1", C = c("C4", "C5"), E = c("E1", "E2"), N = character(0), O = c("O2", "O5"))
for (k in names(keys)) {
  x <- psych::bfi[, paste0(k, 1:5)]
  x[, keys[[k]]] <- 7 - x[, keys[[k]]]
  show(paste0("bfi_", k), psych::alpha(x)$total$raw_alpha)
}
cat("psych", as.character(packageVersion("psych")), "\n")
