//! Report: what a conversion did, as JSON and as a self-contained HTML page.
