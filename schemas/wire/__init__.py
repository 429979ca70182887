"""The wire: one marshmallow definition of native JSON, of the API's answers and of outgoing events."""
