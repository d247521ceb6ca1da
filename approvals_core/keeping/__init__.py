"""What becomes of what is stored: copied to another store, put into an archive, erased."""
