"""The verbs: read, fold, apportion, decide, advance, receive, relay."""
