//! Scripts: one for each change of state.

use std::sync::LazyLock;

/// A script, known to the server by its SHA-1.
pub(crate) struct Script {
    pub(crate) text: &'static str,
    pub(crate) sha1: String,
}

impl Script {
    fn new(text: &'static str) -> Self {
        Self { text, sha1: redis::Script::new(text).get_hash().to_owned() }
    }
}

/// The scripts, each behind the helpers that it uses.
macro_rules! scripts {
    ($($name:ident = $($file:literal)+;)*) => {
        $(
            pub(crate) static $name: LazyLock<Script> =
                LazyLock::new(|| Script::new(concat!(include_str!("lua/common.lua"), $(include_str!($file)),+)));
        )*
    };
}

scripts! {
    SESSION_INSERT = "lua/session.lua" "lua/session_insert.lua";
    SESSION_TOUCH = "lua/session.lua" "lua/session_touch.lua";
    SESSION_UPDATE = "lua/session.lua" "lua/session_update.lua";
    SESSION_ROTATE = "lua/session.lua" "lua/session_rotate.lua";
    SESSION_REMOVE = "lua/session.lua" "lua/session_remove.lua";
    SESSION_END_ALL = "lua/session.lua" "lua/session_end_all.lua";
    SESSION_FORGET = "lua/session.lua" "lua/session_forget.lua";
    TOKEN_PUT = "lua/token.lua" "lua/token_put.lua";
    TOKEN_REPLACE = "lua/token.lua" "lua/token_replace.lua";
    TOKEN_TAKE = "lua/token.lua" "lua/token_take.lua";
    TOKEN_CLAIM = "lua/token.lua" "lua/token_claim.lua";
    TOKEN_REVOKE = "lua/token.lua" "lua/token_revoke.lua";
    TOKEN_FORGET = "lua/token.lua" "lua/token_forget.lua";
    COUNTER_ADD = "lua/counter_add.lua";
    COUNTER_FORGET = "lua/counter_forget.lua";
}
