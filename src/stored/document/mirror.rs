//! Owns how stored types mirror runtime types: a trait, its plain cases, and a macro for structs.

/// A stored form of the runtime type `Runtime`.
pub(super) trait Mirror: Sized {
    /// What is stored.
    type Runtime;

    /// The stored form of a value.
    fn store(value: &Self::Runtime) -> Self;

    /// The value.
    ///
    /// # Errors
    /// If it is not a form that [`Mirror::store`] gives; in words.
    fn load(self) -> Result<Self::Runtime, String>;
}

/// Types whose JSON will not change are their own stored form.
macro_rules! plain {
    ($($type:ty),+ $(,)?) => {$(
        impl Mirror for $type {
            type Runtime = $type;

            fn store(value: &$type) -> $type {
                value.clone()
            }

            fn load(self) -> Result<$type, String> {
                Ok(self)
            }
        }
    )+};
}

plain!(bool, u32, u64, i64, f64, String, (f64, f64), (String, String), std::collections::BTreeMap<String, String>);

impl<T: Mirror> Mirror for Vec<T> {
    type Runtime = Vec<T::Runtime>;

    fn store(values: &Vec<T::Runtime>) -> Vec<T> {
        values.iter().map(T::store).collect()
    }

    fn load(self) -> Result<Vec<T::Runtime>, String> {
        self.into_iter().map(T::load).collect()
    }
}

impl<T: Mirror> Mirror for Option<T> {
    type Runtime = Option<T::Runtime>;

    fn store(value: &Option<T::Runtime>) -> Option<T> {
        value.as_ref().map(T::store)
    }

    fn load(self) -> Result<Option<T::Runtime>, String> {
        self.map(T::load).transpose()
    }
}

/// Declares a stored struct that mirrors a runtime struct field by field. A new field of the runtime struct does not
/// compile until it has a stored form.
macro_rules! mirror {
    ($(
        $(#[$of_struct:meta])*
        $form:ident of $runtime:ident { $($(#[$of_field:meta])* $field:ident: $type:ty),+ $(,)? }
    )+) => {$(
        $(#[$of_struct])*
        #[derive(serde::Serialize, serde::Deserialize)]
        pub(super) struct $form {
            $($(#[$of_field])* $field: $type),+
        }

        impl $crate::stored::document::mirror::Mirror for $form {
            type Runtime = $runtime;

            fn store(value: &$runtime) -> $form {
                $form { $($field: <$type as $crate::stored::document::mirror::Mirror>::store(&value.$field)),+ }
            }

            fn load(self) -> Result<$runtime, String> {
                Ok($runtime { $($field: $crate::stored::document::mirror::Mirror::load(self.$field)?),+ })
            }
        }
    )+};
}

pub(super) use mirror;
