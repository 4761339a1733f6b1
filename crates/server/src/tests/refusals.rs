//! The table of requests in `requests.txt`: what is taken, what is refused, and by which rule.
