"""What is given on the command line: options, their values and help, what Tab offers, what is made of it."""
