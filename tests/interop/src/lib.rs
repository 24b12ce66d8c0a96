//! Nothing; the tests are all there is. `./scripts/test` installs the peers in `target/peers` first.
