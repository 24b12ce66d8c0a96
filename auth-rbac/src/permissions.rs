//! The macro that declares permissions.

/// Declares the permissions of an application as an enum, and one marker type for each.
///
/// ```
/// auth_rbac::permissions! {
///     /// What this service lets people do.
///     pub enum Permission, mod perm {
///         /// See any account.
///         UsersRead = "users.read",
///         /// Delete any account.
///         UsersDelete = "users.delete",
///     }
/// }
///
/// use auth_core::{Permission as _, Permit};
///
/// // Values, for policies and tables: the enum.
/// assert_eq!(Permission::ALL, [Permission::UsersRead, Permission::UsersDelete]);
/// assert_eq!(Permission::UsersDelete.name(), "users.delete");
/// assert_eq!("users.read".parse(), Ok(Permission::UsersRead));
/// assert_eq!(Permission::UsersDelete.index(), 1);
///
/// // Types, for proofs: the markers.
/// assert_eq!(perm::UsersRead::ACTION.as_str(), "users.read");
/// assert_eq!(perm::UsersRead::RESOURCE.as_str(), "users");
/// fn delete(id: &str, permit: Permit<perm::UsersDelete>) { /* .. */ }
/// ```
///
/// A name is two or more segments with dots between them, of lower-case ASCII letters, digits, `-` and `_`.
/// All but the last name the kind of resource, the last one what is done to it. The enum implements
/// [`PermissionSet`](crate::PermissionSet), `Display`, `FromStr` and `AsRef<str>`; the markers implement
/// [`Permission`](auth_core::Permission).
///
/// A bad name does not compile:
///
/// ```compile_fail,E0080
/// auth_rbac::permissions! {
///     /// Permissions.
///     pub enum Permission, mod perm {
///         /// Everything.
///         Users = "users.*",
///     }
/// }
/// ```
///
/// nor does a name that is used twice:
///
/// ```compile_fail,E0080
/// auth_rbac::permissions! {
///     /// Permissions.
///     pub enum Permission, mod perm {
///         /// See any account.
///         UsersRead = "users.read",
///         /// See any account.
///         UsersList = "users.read",
///     }
/// }
/// ```
///
/// nor a permit for one permission where another's is wanted:
///
/// ```compile_fail,E0308
/// # auth_rbac::permissions! {
/// #     /// Permissions.
/// #     pub enum Permission, mod perm {
/// #         /// See any account.
/// #         UsersRead = "users.read",
/// #         /// Delete any account.
/// #         UsersDelete = "users.delete",
/// #     }
/// # }
/// # use auth_core::Permit;
/// fn delete(permit: Permit<perm::UsersDelete>) {}
/// fn handler(permit: Permit<perm::UsersRead>) {
///     delete(permit);
/// }
/// ```
#[macro_export]
macro_rules! permissions {
    (
        $(#[$meta:meta])*
        $vis:vis enum $set:ident, mod $markers:ident {
            $($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $set {
            $($(#[$doc])* $name,)+
        }

        #[doc = concat!("The permissions of [`", stringify!($set), "`], each as a type.")]
        $vis mod $markers {
            $(
                $(#[$doc])*
                #[derive(Debug, Clone, Copy)]
                pub enum $name {}

                impl $crate::__private::Permission for $name {
                    const ACTION: $crate::__private::Action = $crate::__private::Action::from_static($text);
                    const RESOURCE: $crate::__private::ResourceKind =
                        match $crate::__private::__permission_dot($text) {
                            ::core::option::Option::Some(dot) => {
                                $crate::__private::ResourceKind::from_static($text.split_at(dot).0)
                            }
                            ::core::option::Option::None => ::core::panic!(::core::concat!(
                                "`", $text, "` is not the name of a permission: write it like `users.read`"
                            )),
                        };
                }

                // Looks at the constants here, so that a bad name is found where nothing uses it yet.
                const _: ($crate::__private::Action, $crate::__private::ResourceKind) = (
                    <$name as $crate::__private::Permission>::ACTION,
                    <$name as $crate::__private::Permission>::RESOURCE,
                );
            )+
        }

        const _: () = ::core::assert!(
            $crate::__private::__all_distinct([$($text),+]),
            "two permissions have the same name",
        );

        impl $set {
            /// Every permission, in the order of declaration.
            $vis const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its name, which is the action that it allows.
            #[must_use]
            $vis const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// Its name as an action, to ask for.
            #[must_use]
            $vis const fn action(self) -> $crate::__private::Action {
                $crate::__private::Action::from_static(self.name())
            }

            /// Its place in [`ALL`](Self::ALL): dense, from 0.
            #[must_use]
            $vis const fn index(self) -> usize {
                self as usize
            }

            /// A number for it that depends on its name alone, so it may be stored.
            #[must_use]
            $vis const fn id(self) -> $crate::PermissionId {
                $crate::PermissionId::of(self.name())
            }

            /// The permission of this name. Case counts.
            #[must_use]
            $vis fn from_name(name: &str) -> ::core::option::Option<Self> {
                match name {
                    $($text => ::core::option::Option::Some(Self::$name),)+
                    _ => ::core::option::Option::None,
                }
            }
        }

        impl $crate::PermissionSet for $set {
            const ALL: &'static [Self] = Self::ALL;

            fn name(self) -> &'static str {
                self.name()
            }

            fn action(self) -> $crate::__private::Action {
                match self {
                    $(Self::$name => <$markers::$name as $crate::__private::Permission>::ACTION,)+
                }
            }

            fn index(self) -> usize {
                self.index()
            }

            fn id(self) -> $crate::PermissionId {
                self.id()
            }

            fn from_name(name: &str) -> ::core::option::Option<Self> {
                Self::from_name(name)
            }
        }

        impl ::core::convert::AsRef<str> for $set {
            fn as_ref(&self) -> &str {
                self.name()
            }
        }

        impl ::core::fmt::Display for $set {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl ::core::str::FromStr for $set {
            type Err = $crate::UnknownPermission;

            fn from_str(name: &str) -> ::core::result::Result<Self, Self::Err> {
                Self::from_name(name).ok_or($crate::UnknownPermission)
            }
        }
    };
}
