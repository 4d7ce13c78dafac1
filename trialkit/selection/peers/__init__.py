"""Groups as part of the design: were peers assigned at random, and what does the composition of a group do?"""
