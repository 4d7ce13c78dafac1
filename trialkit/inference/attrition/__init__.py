"""Arrays of who is lost: the What Works Clearinghouse boundary and tests of selective attrition."""
