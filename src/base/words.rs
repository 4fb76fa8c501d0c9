//! Fixed words in the three languages side by side: one table makes a `Words` with a field for each.

/// A table of `name: uk, ru, en;` rows as a struct `Words` that holds one language's column.
macro_rules! words {
    ($( #[$note:meta] )* $( $name:ident: $uk:literal, $ru:literal, $en:literal; )*) => {
        $( #[$note] )*
        #[derive(Debug, Clone, Copy)]
        pub struct Words {
            pub language: $crate::base::Language,
            $( pub $name: &'static str, )*
        }

        impl Words {
            pub fn of(language: $crate::base::Language) -> Words {
                match language {
                    $crate::base::Language::Ukrainian => Words { language, $( $name: $uk, )* },
                    $crate::base::Language::Russian => Words { language, $( $name: $ru, )* },
                    $crate::base::Language::English => Words { language, $( $name: $en, )* },
                }
            }
        }
    };
}
pub(crate) use words;
