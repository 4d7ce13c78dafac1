"""Effects on those who take up the offer."""
