"""Effects over waves: the same people measured again and again."""
