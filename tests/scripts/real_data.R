# Reference numbers of test_real_data.py for Beat the Blues and STAR, from nlme and lme4.
# Rscript real_data.R btheb.csv star_k.csv, with the tables written by the analyses' own load():
#   load().to_csv("btheb.csv", index=False) of analyses/btheb, and of analyses/star without the children who lack a score.
library(nlme)
library(lme4)
files <- commandArgs(trailingOnly = TRUE)

wide <- read.csv(files[1])
long <- reshape(wide, idvar = "patient", varying = c("bdi.2m", "bdi.4m", "bdi.6m", "bdi.8m"), v.names = "bdi",
                timevar = "time", times = c(2, 4, 6, 8), direction = "long")
long <- long[!is.na(long$bdi), ]
long <- long[order(long$patient, long$time), ]
long$visit <- long$time / 2
long$month <- factor(long$time)
long$treated <- as.integer(long$treatment == "BtheB")
mmrm <- gls(bdi ~ 0 + month + month:bdi.pre + month:treated, data = long,
            correlation = corSymm(form = ~ visit | patient), weights = varIdent(form = ~ 1 | month),
            control = glsControl(maxIter = 500, msMaxIter = 500, tolerance = 1e-12, apVar = FALSE))
print(summary(mmrm)$tTable[9:12, 1:2], digits = 10)
print(-2 * as.numeric(mmrm$logLik), digits = 12)
print(summary(lme(bdi ~ bdi.pre + time + treated + drug + length, random = ~ 1 | patient, data = long))$tTable[4, 1:2], digits = 10)

children <- read.csv(files[2])
children$cltype <- relevel(factor(children$cltype), "reg")
classes <- lmer(score ~ cltype + factor(school) + (1 | class), data = children, REML = TRUE)
print(coef(summary(classes))[2:3, 1:2], digits = 10)
print(VarCorr(classes), digits = 8)
