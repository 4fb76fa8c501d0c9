//! What the offline brain says in Russian. It speaks of itself without gender.

use super::{Phrase, capital, counted, either, sized, spoken_name, sum, vary};
use crate::agent::rules::intent::Topic;
use crate::base::Language::Russian as RU;
use crate::base::tire::Season;
use crate::base::tool::Relaxed;
use crate::spoken::money;
use crate::spoken::number::{self, Gender};
use crate::spoken::size::{Notation, SizeParts, speak_parts};

pub(super) fn say(phrase: &Phrase, times: u32) -> String {
    let fixed = |ways: &[&str]| vary(times, ways).to_owned();
    match phrase {
        Phrase::Need => fixed(&[
            "Какие шины ищете? Назовите размер или автомобиль.",
            "Подскажите размер шин или марку и модель авто.",
            "Начнём с размера: например, двести пять на пятьдесят пять, радиус шестнадцать. Или назовите авто.",
        ]),
        Phrase::SizeOrCar => fixed(&["Какой размер, или какое у вас авто?", "Назовите размер шин или авто."]),
        Phrase::Hello => fixed(&["Здравствуйте!", "Да, я на связи."]),
        Phrase::Listening => fixed(&["Слушаю вас.", "Да, говорите."]),
        Phrase::YouAreWelcome => fixed(&["Пожалуйста!", "Не за что!"]),
        Phrase::MoreHelp => fixed(&["Чем-то ещё помочь?", "Ещё что-нибудь подсказать?"]),
        Phrase::Goodbye => "Спасибо за звонок. Хорошего дня!".to_owned(),
        Phrase::Closing => "Извините, сейчас нужно закончить разговор. Пожалуйста, перезвоните немного позже. До свидания!".to_owned(),
        Phrase::AskParts(parts) => ask_parts(*parts, times),
        Phrase::Confirm(size) => match times % 2 {
            0 => format!("{} — верно?", sized(RU, size)),
            _ => format!("Уточню: {}. Да?", speak_parts(RU, (*size).into())),
        },
        Phrase::SizeAgain => fixed(&[
            "Извините. Назовите размер ещё раз: ширина, профиль, диаметр.",
            "Давайте ещё раз, по порядку: какая ширина, какой профиль, какой диаметр?",
        ]),
        Phrase::ReadBack(size) => format!("{}.", sized(RU, size)),
        Phrase::AskSeason => fixed(&["Летние, зимние или всесезонные?", "На какой сезон: лето, зима или всесезонные?"]),
        Phrase::LookFor(season) => match season {
            Some(season) => format!("Ищу {}.", adjective(*season)),
            None => "Ищу на любой сезон.".to_owned(),
        },
        Phrase::AskCar => fixed(&["Какая марка, модель и год авто?", "Назовите авто: марка, модель, год."]),
        Phrase::AskMake(model) => format!("{}. А какой марки авто?", spoken_name(RU, model)),
        Phrase::AskModel(make) => match times % 2 {
            0 => format!("{}. А какая модель?", spoken_name(RU, make)),
            _ => format!("Какая именно модель {}?", spoken_name(RU, make)),
        },
        Phrase::AskYear(car) => match times % 2 {
            0 => format!("{}. Какого года?", spoken_name(RU, car)),
            _ => "Подскажите год выпуска авто, например, две тысячи восемнадцатый.".to_owned(),
        },
        Phrase::Car { name, year } => {
            let year = number::speak_ordinal(RU, u64::from(*year), number::Ordinal::MasculineGenitive);
            format!("{}, {year} года.", spoken_name(RU, name))
        }
        Phrase::FitsOne(size) => format!("Вашему авто подходит {}.", speak_parts(RU, (*size).into())),
        Phrase::FitsRims(rims) => {
            let rims: Vec<String> = rims.iter().map(|&rim| number::speak(RU, u64::from(rim), Gender::Masculine)).collect();
            format!("Вашему авто подходят радиусы {}. Какой у вас?", either("или", &rims))
        }
        Phrase::FitsSizes(sizes) => {
            let sizes: Vec<String> = sizes.iter().map(|size| speak_parts(RU, (*size).into())).collect();
            format!("Вашему авто подходят размеры: {}. Какой у вас?", either("или", &sizes))
        }
        Phrase::FitsStaggered => "У вашего авто передние и задние шины разные. Точно подберёт оператор. Соединить?".to_owned(),
        Phrase::WhichModification(names) => {
            let names: Vec<String> = names.iter().map(|name| spoken_name(RU, name)).collect();
            format!("Есть несколько модификаций: {}. Какая у вас?", either("или", &names))
        }
        Phrase::CarUnknown => "Такого авто в каталоге нет. Назовите, пожалуйста, размер с боковины шины.".to_owned(),
        Phrase::WhereSizeIs => {
            "Размер написан на боковине шины, например, двести пять на пятьдесят пять, радиус шестнадцать. Или назовите авто."
                .to_owned()
        }
        Phrase::Relaxed { relaxed, brand } => relaxed_words(relaxed, brand.as_deref()),
        Phrase::Found(1) => "Есть один вариант.".to_owned(),
        Phrase::Found(count) => {
            let count = u64::try_from(*count).unwrap_or(u64::MAX);
            format!("Есть {}.", counted(RU, count, Gender::Masculine, ["вариант", "варианта", "вариантов"]))
        }
        Phrase::Offer { name, price, quantity } => {
            let (name, one) = (spoken_name(RU, name), money::speak(RU, *price));
            match quantity {
                1 => format!("{name}: {one}."),
                4 => format!("{name}: {one}, комплект — {}.", sum(RU, *price, 4)),
                2 => format!("{name}: {one}, за две — {}.", sum(RU, *price, 2)),
                count => {
                    let many = number::speak(RU, u64::from(*count), Gender::Feminine);
                    format!("{name}: {one}, за {many} — {}.", sum(RU, *price, *count))
                }
            }
        }
        Phrase::AfterOffers => fixed(&[
            "Проверить наличие какого-то из них или соединить с оператором?",
            "Какой вас интересует?",
            "Проверить наличие или изменить условия поиска?",
        ]),
        Phrase::NothingFound => fixed(&[
            "К сожалению, таких шин сейчас нет. Соединить с оператором, чтобы подобрал под заказ?",
            "И таких, к сожалению, нет. Соединить с оператором?",
        ]),
        Phrase::WhichOffer => fixed(&["Какой вариант: первый, второй или третий?", "Назовите номер варианта или марку шины."]),
        Phrase::Checking(name) => format!("{}, проверяю.", spoken_name(RU, name)),
        Phrase::CheapestIs(name) => format!("Самый дешёвый вариант — {}. Проверить наличие?", spoken_name(RU, name)),
        Phrase::InStock { quantity, place } => {
            let count = counted(RU, u64::from(*quantity), Gender::Feminine, ["штука", "штуки", "штук"]);
            format!("Есть {count}: {}.", spoken_name(RU, place))
        }
        Phrase::AlsoIn { place } => format!("Также {}.", spoken_name(RU, place)),
        Phrase::NotInCity(city) => format!("В городе {city} сейчас нет."),
        Phrase::TooFew { quantity } => {
            let count = counted(RU, u64::from(*quantity), Gender::Feminine, ["штука", "штуки", "штук"]);
            format!("Осталось всего {count}.")
        }
        Phrase::OutOfStock { days: Some(days) } => {
            let days = counted(RU, u64::from(*days), Gender::Masculine, ["день", "дня", "дней"]);
            format!("Сейчас на складе нет, поставщик привезёт за {days}.")
        }
        Phrase::OutOfStock { days: None } => "К сожалению, сейчас на складе нет.".to_owned(),
        Phrase::Gone => "К сожалению, этих шин уже нет.".to_owned(),
        Phrase::OrderWithOperator => fixed(&["Соединить с оператором, чтобы оформить?", "Соединить вас с оператором?"]),
        Phrase::TopicForOperator(topic) => match times % 2 {
            0 => format!("{} точно подскажет оператор. Соединить?", topic_words(*topic)),
            _ => format!("{} лучше спросить у оператора. Соединить?", topic_words(*topic)),
        },
        Phrase::Bulk => "Такое количество оформляет оператор. Соединить?".to_owned(),
        Phrase::Foreign(notation) => {
            let tires = match notation {
                Notation::Truck => "Грузовые шины",
                Notation::OffRoadInch => "Шины в дюймах",
                Notation::Motorcycle => "Мотошины",
                Notation::Farm => "Сельхозшины",
            };
            format!("{tires} подбирает оператор. Соединить?")
        }
        Phrase::Transferring => fixed(&["Соединяю с оператором, оставайтесь на линии.", "Пробую ещё раз соединить с оператором."]),
        Phrase::TransferNotUnderstood => "Извините, не получается вас понять. Соединяю с оператором.".to_owned(),
        Phrase::TransferShopDown => "Извините, каталог сейчас не отвечает. Соединяю с оператором.".to_owned(),
        Phrase::TransferComplaint => "Жаль, что так получилось. Соединяю с оператором, он поможет.".to_owned(),
        Phrase::TransferDanger => "Если есть угроза жизни, звоните сто двенадцать. Соединяю с оператором.".to_owned(),
        Phrase::TransferAbuse => "Лучше вам поговорить с человеком. Соединяю с оператором.".to_owned(),
        Phrase::TransferFailed { busy: true } => "К сожалению, все операторы заняты.".to_owned(),
        Phrase::TransferFailed { busy: false } => "К сожалению, оператор сейчас не отвечает.".to_owned(),
        Phrase::OfferCallback => fixed(&["Перезвонить вам на этот номер?", "Записать, чтобы вам перезвонили?"]),
        Phrase::CallbackNoted => "Записано: вам перезвонят. Хорошего дня!".to_owned(),
        Phrase::CallbackFailed => "Извините, записать не получилось. Пожалуйста, позвоните позже. До свидания!".to_owned(),
        Phrase::CallbackImpossible => "Перезвонить не получится: ваш номер не определился.".to_owned(),
        Phrase::CallLater => "Перезвонить не получится: ваш номер не определился. Пожалуйста, позвоните позже. До свидания!".to_owned(),
        Phrase::Robot => fixed(&[
            "Да, я автоматический помощник магазина. Если нужен человек, скажите «оператор».",
            "Я программа, не человек. С человеком соединю, как только скажете «оператор».",
        ]),
        Phrase::NotMyInstructions => fixed(&["Я помогаю только с шинами.", "Об этом рассказать не могу, а вот с шинами помогу."]),
        Phrase::OffTopic => fixed(&["Я разбираюсь только в шинах.", "С этим не помогу, я только о шинах."]),
        Phrase::Calm => "Понимаю, это раздражает. Могу подобрать шины или соединить с оператором.".to_owned(),
        Phrase::Language => "Я понимаю украинский, русский и английский, а отвечаю по-русски.".to_owned(),
        Phrase::Waiting => fixed(&["Хорошо, подожду.", "Да, не спешите."]),
        Phrase::Repeating(text) => format!("Повторяю. {text}"),
        Phrase::RetryShop => "Извините, каталог не ответил. Пробую ещё раз.".to_owned(),
        Phrase::StillThere => fixed(&["Вы на линии?", "Вы меня слышите?"]),
        Phrase::StillSilent => "Не слышу вас.".to_owned(),
        Phrase::SilentGoodbye => "К сожалению, вас не слышно. Перезвоните, пожалуйста. До свидания!".to_owned(),
        Phrase::NotHeard => fixed(&["Извините, не всё слышно.", "Простите, плохо слышно."]),
        Phrase::NotClear => fixed(&["Извините, не всё понятно.", "Простите, опять не понятно."]),
        Phrase::Example => "Например: двести пять на пятьдесят пять, радиус шестнадцать.".to_owned(),
        Phrase::KeypadSize => "Размер можно набрать: ширина, звёздочка, профиль, звёздочка, диаметр, решётка.".to_owned(),
        Phrase::KeypadYesNo => "Или нажмите: один — да, два — нет.".to_owned(),
        Phrase::KeypadSeason => "Или нажмите: один — летние, два — зимние, три — всесезонные.".to_owned(),
        Phrase::KeypadOnly => "Извините, голос сейчас не распознаётся. Пользуйтесь клавишами, ноль — оператор.".to_owned(),
        Phrase::YesOrNo => fixed(&["Скажите, пожалуйста, да или нет.", "Да или нет?"]),
    }
}

fn adjective(season: Season) -> &'static str {
    match season {
        Season::Summer => "летние",
        Season::Winter => "зимние",
        Season::AllSeason => "всесезонные",
    }
}

fn ask_parts(parts: SizeParts, times: u32) -> String {
    let known = capital(&speak_parts(RU, parts));
    let missing = match (parts.width, parts.profile, parts.diameter) {
        (None, None, None) => {
            return vary(times, &["Какой размер шин?", "Назовите размер: ширина, профиль, диаметр."]).to_owned();
        }
        (None, None, Some(_)) => "А ширина и профиль? Или назовите авто.",
        (None, Some(_), None) => "А ширина и диаметр?",
        (Some(_), None, None) => "А профиль и диаметр?",
        (Some(_), Some(_), _) => vary(times, &["А диаметр?", "Какой радиус диска?"]),
        (Some(_), None, Some(_)) => vary(times, &["А профиль?", "Какой профиль — второе число размера?"]),
        (None, Some(_), Some(_)) => vary(times, &["А ширина?", "Какая ширина — первое число размера?"]),
    };
    format!("{known}. {missing}")
}

fn relaxed_words(relaxed: &[Relaxed], brand: Option<&str>) -> String {
    let words = relaxed.iter().map(|relaxed| match (relaxed, brand) {
        (Relaxed::Brand, Some(brand)) => format!("{} такого нет, есть другие марки.", spoken_name(RU, brand)),
        (Relaxed::Brand, None) => "Этой марки нет, есть другие.".to_owned(),
        (Relaxed::Price, _) => "За такую цену нет, есть дороже.".to_owned(),
        (Relaxed::Stud, _) => "Именно таких по шипам нет, есть другие.".to_owned(),
        (Relaxed::Stock, _) => "На складе нет, есть под заказ.".to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn topic_words(topic: Topic) -> &'static str {
    match topic {
        Topic::Fitting => "О шиномонтаже",
        Topic::Delivery => "О доставке",
        Topic::Hours => "О часах работы",
        Topic::Address => "Об адресе",
        Topic::Payment => "Об оплате",
        Topic::Warranty => "О гарантии",
        Topic::Storage => "О хранении шин",
        Topic::OrderStatus => "О вашем заказе",
        Topic::Invoice => "О счёте",
        Topic::Rims => "О дисках",
        Topic::BuyBack => "О старых шинах",
        Topic::MadeWhen => "О годе и стране производства",
    }
}
