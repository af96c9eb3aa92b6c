"""A scan while it runs, as its command sees it: begun, watched, asked, ended, summed up."""
