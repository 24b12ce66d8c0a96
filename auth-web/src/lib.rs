//! Framework adapters: extractors, guards and refusals for axum and actix-web.
