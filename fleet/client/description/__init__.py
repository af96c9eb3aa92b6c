"""Where descriptions come from: loaders, the cache of parsed documents, repairs."""
