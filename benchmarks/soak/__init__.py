"""A service under use: scraped, reloaded, hung up on and given faults for as long as one likes."""
