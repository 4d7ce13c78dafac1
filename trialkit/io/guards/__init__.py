"""What is looked at before a file is read: whether it is what its name says, and whether its parts lie where it says."""
