//! What the offline brain says in Ukrainian. It speaks of itself without gender.

use super::{Phrase, capital, counted, either, sized, spoken_name, sum, vary};
use crate::agent::rules::intent::Topic;
use crate::base::Language::Ukrainian as UK;
use crate::base::tire::Season;
use crate::base::tool::Relaxed;
use crate::spoken::money;
use crate::spoken::number::{self, Gender};
use crate::spoken::size::{Notation, SizeParts, speak_parts};

pub(super) fn say(phrase: &Phrase, times: u32) -> String {
    let fixed = |ways: &[&str]| vary(times, ways).to_owned();
    match phrase {
        Phrase::Need => fixed(&[
            "Які шини шукаєте? Назвіть розмір або автомобіль.",
            "Підкажіть розмір шин або марку й модель авто.",
            "Почнімо з розміру: наприклад, двісті п'ять на п'ятдесят п'ять, радіус шістнадцять. Або назвіть авто.",
        ]),
        Phrase::SizeOrCar => fixed(&["Який розмір, або яке у вас авто?", "Назвіть розмір шин або авто."]),
        Phrase::Hello => fixed(&["Вітаю!", "Так, я на зв'язку."]),
        Phrase::Listening => fixed(&["Слухаю вас.", "Так, кажіть."]),
        Phrase::YouAreWelcome => fixed(&["Будь ласка!", "Прошу!"]),
        Phrase::MoreHelp => fixed(&["Чимось іще допомогти?", "Ще щось підказати?"]),
        Phrase::Goodbye => "Дякую за дзвінок. Гарного дня!".to_owned(),
        Phrase::Closing => "Перепрошую, зараз маємо завершити розмову. Будь ласка, зателефонуйте трохи згодом. До побачення!".to_owned(),
        Phrase::AskParts(parts) => ask_parts(*parts, times),
        Phrase::Confirm(size) => match times % 2 {
            0 => format!("{} — вірно?", sized(UK, size)),
            _ => format!("Уточню: {}. Так?", speak_parts(UK, (*size).into())),
        },
        Phrase::SizeAgain => fixed(&[
            "Перепрошую. Назвіть розмір ще раз: ширина, профіль, діаметр.",
            "Спробуймо ще раз, по черзі: яка ширина, який профіль, який діаметр?",
        ]),
        Phrase::ReadBack(size) => format!("{}.", sized(UK, size)),
        Phrase::AskSeason => fixed(&["Літні, зимові чи всесезонні?", "На який сезон: літо, зима чи всесезонні?"]),
        Phrase::LookFor(season) => match season {
            Some(season) => format!("Шукаю {}.", adjective(*season)),
            None => "Шукаю на будь-який сезон.".to_owned(),
        },
        Phrase::AskCar => fixed(&["Яка марка, модель і рік авто?", "Назвіть авто: марка, модель, рік."]),
        Phrase::AskMake(model) => format!("{}. А якої марки авто?", spoken_name(UK, model)),
        Phrase::AskModel(make) => match times % 2 {
            0 => format!("{}. А яка модель?", spoken_name(UK, make)),
            _ => format!("Яка саме модель {}?", spoken_name(UK, make)),
        },
        Phrase::AskYear(car) => match times % 2 {
            0 => format!("{}. Якого року?", spoken_name(UK, car)),
            _ => "Підкажіть рік випуску авто, наприклад, дві тисячі вісімнадцятий.".to_owned(),
        },
        Phrase::Car { name, year } => {
            let year = number::speak_ordinal(UK, u64::from(*year), number::Ordinal::MasculineGenitive);
            format!("{}, {year} року.", spoken_name(UK, name))
        }
        Phrase::FitsOne(size) => format!("Вашому авто підходить {}.", speak_parts(UK, (*size).into())),
        Phrase::FitsRims(rims) => {
            let rims: Vec<String> = rims.iter().map(|&rim| number::speak(UK, u64::from(rim), Gender::Masculine)).collect();
            format!("Вашому авто підходять радіуси {}. Який у вас?", either("або", &rims))
        }
        Phrase::FitsSizes(sizes) => {
            let sizes: Vec<String> = sizes.iter().map(|size| speak_parts(UK, (*size).into())).collect();
            format!("Вашому авто підходять розміри: {}. Який у вас?", either("або", &sizes))
        }
        Phrase::FitsStaggered => "У вашого авто передні й задні шини різні. Точно підбере оператор. З'єднати?".to_owned(),
        Phrase::WhichModification(names) => {
            let names: Vec<String> = names.iter().map(|name| spoken_name(UK, name)).collect();
            format!("Є кілька модифікацій: {}. Яка у вас?", either("або", &names))
        }
        Phrase::CarUnknown => "Такого авто в каталозі немає. Назвіть, будь ласка, розмір із боковини шини.".to_owned(),
        Phrase::WhereSizeIs => {
            "Розмір написано на боковині шини, наприклад, двісті п'ять на п'ятдесят п'ять, радіус шістнадцять. Або назвіть авто."
                .to_owned()
        }
        Phrase::Relaxed { relaxed, brand } => relaxed_words(relaxed, brand.as_deref()),
        Phrase::Found(1) => "Є один варіант.".to_owned(),
        Phrase::Found(count) => {
            let count = u64::try_from(*count).unwrap_or(u64::MAX);
            format!("Є {}.", counted(UK, count, Gender::Masculine, ["варіант", "варіанти", "варіантів"]))
        }
        Phrase::Offer { name, price, quantity } => {
            let (name, one) = (spoken_name(UK, name), money::speak(UK, *price));
            match quantity {
                1 => format!("{name}: {one}."),
                4 => format!("{name}: {one}, комплект — {}.", sum(UK, *price, 4)),
                2 => format!("{name}: {one}, за дві — {}.", sum(UK, *price, 2)),
                count => {
                    let many = number::speak(UK, u64::from(*count), Gender::Feminine);
                    format!("{name}: {one}, за {many} — {}.", sum(UK, *price, *count))
                }
            }
        }
        Phrase::AfterOffers => fixed(&[
            "Перевірити наявність котрогось чи з'єднати з оператором?",
            "Який вас цікавить?",
            "Перевірити наявність чи змінити умови пошуку?",
        ]),
        Phrase::NothingFound => fixed(&[
            "На жаль, таких шин зараз немає. З'єднати з оператором, щоб підібрав під замовлення?",
            "І таких, на жаль, немає. З'єднати з оператором?",
        ]),
        Phrase::WhichOffer => fixed(&["Котрий варіант: перший, другий чи третій?", "Назвіть номер варіанта або марку шини."]),
        Phrase::Checking(name) => format!("{}, перевіряю.", spoken_name(UK, name)),
        Phrase::CheapestIs(name) => format!("Найдешевший варіант — {}. Перевірити наявність?", spoken_name(UK, name)),
        Phrase::InStock { quantity, place } => {
            let count = counted(UK, u64::from(*quantity), Gender::Feminine, ["штука", "штуки", "штук"]);
            format!("Є {count}: {}.", spoken_name(UK, place))
        }
        Phrase::AlsoIn { place } => format!("Також {}.", spoken_name(UK, place)),
        Phrase::NotInCity(city) => format!("У місті {city} зараз немає."),
        Phrase::TooFew { quantity } => {
            let count = counted(UK, u64::from(*quantity), Gender::Feminine, ["штука", "штуки", "штук"]);
            format!("Залишилося лише {count}.")
        }
        Phrase::OutOfStock { days: Some(days) } => {
            let days = counted(UK, u64::from(*days), Gender::Masculine, ["день", "дні", "днів"]);
            format!("Зараз на складі немає, постачальник привезе за {days}.")
        }
        Phrase::OutOfStock { days: None } => "На жаль, зараз на складі немає.".to_owned(),
        Phrase::Gone => "На жаль, цих шин уже немає.".to_owned(),
        Phrase::OrderWithOperator => fixed(&["З'єднати з оператором, щоб оформити?", "З'єднати вас з оператором?"]),
        Phrase::TopicForOperator(topic) => match times % 2 {
            0 => format!("{} точно підкаже оператор. З'єднати?", topic_words(*topic)),
            _ => format!("{} краще спитати в оператора. З'єднати?", topic_words(*topic)),
        },
        Phrase::Bulk => "Таку кількість оформлює оператор. З'єднати?".to_owned(),
        Phrase::Foreign(notation) => {
            let tires = match notation {
                Notation::Truck => "Вантажні шини",
                Notation::OffRoadInch => "Шини в дюймах",
                Notation::Motorcycle => "Мотошини",
                Notation::Farm => "Сільгоспшини",
            };
            format!("{tires} підбирає оператор. З'єднати?")
        }
        Phrase::Transferring => fixed(&["З'єдную з оператором, залишайтеся на лінії.", "Пробую ще раз з'єднати з оператором."]),
        Phrase::TransferNotUnderstood => "Перепрошую, не вдається вас зрозуміти. З'єдную з оператором.".to_owned(),
        Phrase::TransferShopDown => "Перепрошую, каталог зараз не відповідає. З'єдную з оператором.".to_owned(),
        Phrase::TransferComplaint => "Прикро, що так сталося. З'єдную з оператором, він допоможе.".to_owned(),
        Phrase::TransferDanger => "Якщо є загроза життю, телефонуйте сто дванадцять. З'єдную з оператором.".to_owned(),
        Phrase::TransferAbuse => "Краще вам поговорити з людиною. З'єдную з оператором.".to_owned(),
        Phrase::TransferFailed { busy: true } => "На жаль, усі оператори зайняті.".to_owned(),
        Phrase::TransferFailed { busy: false } => "На жаль, оператор зараз не відповідає.".to_owned(),
        Phrase::OfferCallback => fixed(&["Передзвонити вам на цей номер?", "Записати, щоб вам передзвонили?"]),
        Phrase::CallbackNoted => "Записано: вам передзвонять. Гарного дня!".to_owned(),
        Phrase::CallbackFailed => "Перепрошую, записати не вдалося. Будь ласка, зателефонуйте пізніше. До побачення!".to_owned(),
        Phrase::CallbackImpossible => "Передзвонити не вдасться: ваш номер не визначився.".to_owned(),
        Phrase::CallLater => "Передзвонити не вдасться: ваш номер не визначився. Будь ласка, зателефонуйте пізніше. До побачення!".to_owned(),
        Phrase::Robot => fixed(&[
            "Так, я автоматичний помічник магазину. Якщо потрібна людина, скажіть «оператор».",
            "Я програма, не людина. З людиною з'єднаю, щойно скажете «оператор».",
        ]),
        Phrase::NotMyInstructions => fixed(&["Я допомагаю лише з шинами.", "Про це розповісти не можу, а от із шинами допоможу."]),
        Phrase::OffTopic => fixed(&["Я розуміюся лише на шинах.", "З цим не допоможу, я тільки про шини."]),
        Phrase::Calm => "Розумію, що це дратує. Можу підібрати шини або з'єднати з оператором.".to_owned(),
        Phrase::Language => "Я розумію українську, російську й англійську, а відповідаю українською.".to_owned(),
        Phrase::Waiting => fixed(&["Добре, зачекаю.", "Так, не поспішайте."]),
        Phrase::Repeating(text) => format!("Повторюю. {text}"),
        Phrase::RetryShop => "Перепрошую, каталог не відповів. Пробую ще раз.".to_owned(),
        Phrase::StillThere => fixed(&["Ви на лінії?", "Ви мене чуєте?"]),
        Phrase::StillSilent => "Не чую вас.".to_owned(),
        Phrase::SilentGoodbye => "На жаль, вас не чути. Зателефонуйте, будь ласка, ще раз. До побачення!".to_owned(),
        Phrase::NotHeard => fixed(&["Перепрошую, не все чути.", "Вибачте, погано чути."]),
        Phrase::NotClear => fixed(&["Перепрошую, не все зрозуміло.", "Вибачте, знову не зрозуміло."]),
        Phrase::Example => "Наприклад: двісті п'ять на п'ятдесят п'ять, радіус шістнадцять.".to_owned(),
        Phrase::KeypadSize => "Розмір можна набрати: ширина, зірочка, профіль, зірочка, діаметр, решітка.".to_owned(),
        Phrase::KeypadYesNo => "Або натисніть: один — так, два — ні.".to_owned(),
        Phrase::KeypadSeason => "Або натисніть: один — літні, два — зимові, три — всесезонні.".to_owned(),
        Phrase::KeypadOnly => "Перепрошую, голос зараз не розпізнається. Користуйтеся клавішами, нуль — оператор.".to_owned(),
        Phrase::YesOrNo => fixed(&["Скажіть, будь ласка, так чи ні.", "Так чи ні?"]),
    }
}

fn adjective(season: Season) -> &'static str {
    match season {
        Season::Summer => "літні",
        Season::Winter => "зимові",
        Season::AllSeason => "всесезонні",
    }
}

fn ask_parts(parts: SizeParts, times: u32) -> String {
    let known = capital(&speak_parts(UK, parts));
    let missing = match (parts.width, parts.profile, parts.diameter) {
        (None, None, None) => {
            return vary(times, &["Який розмір шин?", "Назвіть розмір: ширина, профіль, діаметр."]).to_owned();
        }
        (None, None, Some(_)) => "А ширина й профіль? Або назвіть авто.",
        (None, Some(_), None) => "А ширина й діаметр?",
        (Some(_), None, None) => "А профіль і діаметр?",
        (Some(_), Some(_), _) => vary(times, &["А діаметр?", "Який радіус диска?"]),
        (Some(_), None, Some(_)) => vary(times, &["А профіль?", "Який профіль — друге число розміру?"]),
        (None, Some(_), Some(_)) => vary(times, &["А ширина?", "Яка ширина — перше число розміру?"]),
    };
    format!("{known}. {missing}")
}

fn relaxed_words(relaxed: &[Relaxed], brand: Option<&str>) -> String {
    let words = relaxed.iter().map(|relaxed| match (relaxed, brand) {
        (Relaxed::Brand, Some(brand)) => format!("{} такого немає, є інші марки.", spoken_name(UK, brand)),
        (Relaxed::Brand, None) => "Цієї марки немає, є інші.".to_owned(),
        (Relaxed::Price, _) => "За таку ціну немає, є дорожчі.".to_owned(),
        (Relaxed::Stud, _) => "Саме таких за шипами немає, є інші.".to_owned(),
        (Relaxed::Stock, _) => "На складі немає, є під замовлення.".to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn topic_words(topic: Topic) -> &'static str {
    match topic {
        Topic::Fitting => "Про шиномонтаж",
        Topic::Delivery => "Про доставку",
        Topic::Hours => "Про години роботи",
        Topic::Address => "Про адресу",
        Topic::Payment => "Про оплату",
        Topic::Warranty => "Про гарантію",
        Topic::Storage => "Про зберігання шин",
        Topic::OrderStatus => "Про ваше замовлення",
        Topic::Invoice => "Про рахунок",
        Topic::Rims => "Про диски",
        Topic::BuyBack => "Про старі шини",
        Topic::MadeWhen => "Про рік і країну виробництва",
    }
}
