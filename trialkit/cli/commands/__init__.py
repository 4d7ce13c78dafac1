"""What each command takes and in which words it says so; the work is done in the files beside this room."""
