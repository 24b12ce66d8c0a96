//! Server-side sessions: lifecycle, cookies and CSRF, on any store.
