# Seconds of R for one of the regressions or models of rows.py: Rscript peers.R <which> <data.csv> <runs>
given <- commandArgs(trailingOnly = TRUE)
needed <- switch(given[1], hc2 = , cr2 = "estimatr", scalar = "lavaan", mixed = "lmerTest")
if (!requireNamespace(needed, quietly = TRUE)) quit(status = 3)
d <- read.csv(given[2])
call <- switch(given[1],
  hc2 = function() estimatr::lm_robust(y ~ x1 + x2 + x3, d, se_type = "HC2"),
  cr2 = function() estimatr::lm_robust(y ~ x1 + x2 + x3, d, clusters = g, se_type = "CR2"),
  scalar = {
    items <- function(w) paste0("t", w, "_i", 0:9)
    line <- function(w) paste0("f", w, " =~ ", paste0("l", 0:9, "*", items(w), collapse = " + "))
    means <- unlist(lapply(0:1, function(w) paste0(items(w), " ~ n", 0:9, "*1")))
    own <- paste0(items(0), " ~~ ", items(1))
    rest <- c("f0 ~~ 1*f0", "f0 ~ 0*1", "f1 ~~ f1", "f1 ~ 1", "f0 ~~ f1")
    model <- paste(c(line(0), line(1), means, own, rest), collapse = "\n")
    function() lavaan::lavaan(model, d, meanstructure = TRUE, auto.var = TRUE, auto.fix.first = FALSE)
  },
  mixed = function() {
    fit <- lmerTest::lmer(y ~ part + x + (0 + part | group), d)
    summary(fit, ddf = "Satterthwaite")
  }
)
invisible(suppressMessages(suppressWarnings(call())))
for (run in seq_len(as.integer(given[3]))) {
  took <- suppressMessages(suppressWarnings(system.time(call())))
  cat(sum(took[c("user.self", "sys.self")]), "\n")
}
