"""What tests of output share: texts that would do harm, and the places in which they must be inert."""
