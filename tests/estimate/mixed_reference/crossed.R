# Random sites, and facilitators crossed with groups, by lmerTest and pbkrtest: writes crossed.json.
# usage: Rscript crossed.R    (in this folder)
suppressMessages({library(lme4); library(lmerTest); library(pbkrtest)})
d <- read.csv("crossed.csv", na.strings = "")
d$group[is.na(d$group)] <- paste0("c", d$id[is.na(d$group)])
d$coach[is.na(d$coach)] <- "none"
ctrl <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-11, maxfun = 1e6), check.nobs.vs.nlev = "ignore", check.nobs.vs.nRE = "ignore")
one <- function(f) {
  m <- lmer(f, d, REML = TRUE, control = ctrl)
  s <- coef(summary(m))["z", ]
  k <- coef(summary(m, ddf = "Kenward-Roger"))["z", ]
  v <- as.data.frame(VarCorr(m))
  out <- list(estimate = s[["Estimate"]], std_error = s[["Std. Error"]], df = s[["df"]], std_error_kr = k[["Std. Error"]], df_kr = k[["df"]], deviance = REMLcrit(m))
  for (i in seq_len(nrow(v))) out[[paste0("var_", sub("\\..*", "", v$grp[i]))]] <- v$vcov[i]
  out
}
show <- function(x) paste0("{", paste(sprintf('"%s": %.12g', names(x), unlist(x)), collapse = ", "), "}")
models <- list(
  site = y ~ z + y0 + (1 | site),
  site_and_group = y ~ z + y0 + (1 | site) + (0 + z | group),
  coach_crossed_with_group = y ~ z + y0 + (0 + z | group) + (0 + z | coach),
  all_three = y ~ z + y0 + (1 | site) + (0 + z | group) + (0 + z | coach))
rows <- sapply(names(models), function(n) paste0('  "', n, '": ', show(one(models[[n]]))))
joint <- KRmodcomp(lmer(models$site_and_group, d, control = ctrl), lmer(update(models$site_and_group, . ~ . - z - y0), d, control = ctrl))$test["Ftest", ]
rows <- c(rows, sprintf('  "joint_kr": {"statistic": %.12g, "df_num": %d, "df_denom": %.12g, "p_value": %.12g}', joint$stat, as.integer(joint$ndf), joint$ddf, joint$p.value))
source_ <- sprintf('  "source": "R %s, lme4 %s, lmerTest %s, pbkrtest %s"', getRversion(), packageVersion("lme4"), packageVersion("lmerTest"), packageVersion("pbkrtest"))
writeLines(c("{", paste(c(rows, source_), collapse = ",\n"), "}"), "crossed.json")
