"""One run compared with itself: what strays from what is usual among its peers."""
