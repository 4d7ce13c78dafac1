"""Design families: each file holds the public function, its variance and degrees of freedom, and its words."""
