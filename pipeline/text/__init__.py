"""Text as arrays: words, fingerprints, frames. Knows numpy and Arrow, and nothing else of this house."""
