//! The conversations.

use expect_test::expect;

use super::{check, run};
use crate::base::Language;

#[test]
fn by_size() {
    check(
        "
        notice call started
        мені потрібні зимові шини двісті п'ять на п'ятдесят п'ять радіус шістнадцять
        а є перші в наявності в Києві
        так
        ",
        expect![[r#"
            caller  notice call started
            agent   Добрий день! Це магазин шин «Протектор». Вам відповідає автоматичний помічник, розмова може записуватися. Потрібна людина — скажіть «оператор». Які шини шукаєте?
                    Open
            caller  мені потрібні зимові шини двісті п'ять на п'ятдесят п'ять радіус шістнадцять
            agent   Двісті п'ять на п'ятдесят п'ять, радіус шістнадцять. Шукаю зимові.
            tool    search_tires {"diameter":16,"profile":55,"quantity":4,"season":"winter","width":205}
            agent   Є три варіанти. Росава Сноугард: дві тисячі сто гривень, комплект — вісім тисяч чотириста. Нокіан Хакапеліта: три тисячі чотириста п'ятдесят гривень, комплект — тринадцять тисяч вісімсот. Мішлен Альпін: чотири тисячі сімсот вісімдесят дев'ять гривень, комплект — дев'ятнадцять тисяч сто п'ятдесят шість. Перевірити наявність котрогось чи з'єднати з оператором?
                    Choice
            caller  а є перші в наявності в Києві
            agent   Росава Сноугард, перевіряю.
            tool    check_availability {"city":"Київ","product_id":"t-1","quantity":4}
            agent   Є вісім штук: магазин на Оболоні, Київ. З'єднати з оператором, щоб оформити?
                    YesNo
            caller  так
            agent   З'єдную з оператором, залишайтеся на лінії.
            tool    transfer_to_operator {"reason":"caller_asked","summary":"Шукає шини: 205/55 R16, зимові, місто Київ. Запропоновано: Rosava Snowgard — 2100.00 грн; Nokian Hakkapeliitta — 3450.00 грн; Michelin Alpin — 4789.00 грн. Причина: клієнт попросив оператора."}
        "#]],
    );
}

#[test]
fn by_size_in_parts() {
    check(
        "
        добрий день
        двісті п'ять на п'ятдесят п'ять
        шістнадцять
        зимові
        дякую до побачення
        ",
        expect![[r#"
            caller  добрий день
            agent   Вітаю! Які шини шукаєте? Назвіть розмір або автомобіль.
                    Open
            caller  двісті п'ять на п'ятдесят п'ять
            agent   Двісті п'ять на п'ятдесят п'ять. А діаметр?
                    Size { width: Some(205), profile: Some(55), diameter: None }
            caller  шістнадцять
            agent   Двісті п'ять на п'ятдесят п'ять, радіус шістнадцять. Літні, зимові чи всесезонні?
                    Season
            caller  зимові
            agent   Шукаю зимові.
            tool    search_tires {"diameter":16,"profile":55,"quantity":4,"season":"winter","width":205}
            agent   Є три варіанти. Росава Сноугард: дві тисячі сто гривень, комплект — вісім тисяч чотириста. Нокіан Хакапеліта: три тисячі чотириста п'ятдесят гривень, комплект — тринадцять тисяч вісімсот. Мішлен Альпін: чотири тисячі сімсот вісімдесят дев'ять гривень, комплект — дев'ятнадцять тисяч сто п'ятдесят шість. Перевірити наявність котрогось чи з'єднати з оператором?
                    Choice
            caller  дякую до побачення
            agent   Дякую за дзвінок. Гарного дня!
            tool    end_call {}
        "#]],
    );
}

#[test]
fn by_rim_alone() {
    check(
        "
        колеса на сімнадцять
        двісті двадцять п'ять сорок п'ять
        не знаю
        ",
        expect![[r#"
            caller  колеса на сімнадцять
            agent   Радіус сімнадцять. А ширина й профіль? Або назвіть авто.
                    Size { width: None, profile: None, diameter: Some(17) }
            caller  двісті двадцять п'ять сорок п'ять
            agent   Двісті двадцять п'ять на сорок п'ять, радіус сімнадцять. Літні, зимові чи всесезонні?
                    Season
            caller  не знаю
            agent   Шукаю на будь-який сезон.
            tool    search_tires {"diameter":17,"profile":45,"quantity":4,"width":225}
            agent   Є три варіанти. Росава Сноугард: дві тисячі сто гривень, комплект — вісім тисяч чотириста. Нокіан Хакапеліта: три тисячі чотириста п'ятдесят гривень, комплект — тринадцять тисяч вісімсот. Мішлен Альпін: чотири тисячі сімсот вісімдесят дев'ять гривень, комплект — дев'ятнадцять тисяч сто п'ятдесят шість. Перевірити наявність котрогось чи з'єднати з оператором?
                    Choice
        "#]],
    );
}

#[test]
fn readings_that_sound_alike_are_confirmed() {
    check(
        "
        двісті тридцять п'ять шістнадцять вісімнадцять літні
        так
        ",
        expect![[r#"
            caller  двісті тридцять п'ять шістнадцять вісімнадцять літні
            agent   Двісті тридцять п'ять на шістдесят, радіус вісімнадцять — вірно?
                    YesNo
            caller  так
            agent   Шукаю літні.
            tool    search_tires {"diameter":18,"profile":60,"quantity":4,"season":"summer","width":235}
            agent   Є три варіанти. Росава Сноугард: дві тисячі сто гривень, комплект — вісім тисяч чотириста. Нокіан Хакапеліта: три тисячі чотириста п'ятдесят гривень, комплект — тринадцять тисяч вісімсот. Мішлен Альпін: чотири тисячі сімсот вісімдесят дев'ять гривень, комплект — дев'ятнадцять тисяч сто п'ятдесят шість. Перевірити наявність котрогось чи з'єднати з оператором?
                    Choice
        "#]],
    );
    check(
        "
        двісті п'ять п'ятдесят п'ять сімнадцять
        ні
        ні
        двісті двадцять п'ять сорок п'ять сімнадцять
        все одно
        а літні є
        ",
        expect![[r#"
            caller  двісті п'ять п'ятдесят п'ять сімнадцять
            agent   Двісті п'ять на п'ятдесят п'ять, радіус сімнадцять — вірно?
                    YesNo
            caller  ні
            agent   Уточню: двісті п'ятнадцять на п'ятдесят п'ять, радіус сімнадцять. Так?
                    YesNo
            caller  ні
            agent   Перепрошую. Назвіть розмір ще раз: ширина, профіль, діаметр.
                    Size { width: None, profile: None, diameter: None }
            caller  двісті двадцять п'ять сорок п'ять сімнадцять
            agent   Двісті двадцять п'ять на сорок п'ять, радіус сімнадцять. Літні, зимові чи всесезонні?
                    Season
            caller  все одно
            agent   Шукаю на будь-який сезон.
            tool    search_tires {"diameter":17,"profile":45,"quantity":4,"width":225}
            agent   Є три варіанти. Росава Сноугард: дві тисячі сто гривень, комплект — вісім тисяч чотириста. Нокіан Хакапеліта: три тисячі чотириста п'ятдесят гривень, комплект — тринадцять тисяч вісімсот. Мішлен Альпін: чотири тисячі сімсот вісімдесят дев'ять гривень, комплект — дев'ятнадцять тисяч сто п'ятдесят шість. Перевірити наявність котрогось чи з'єднати з оператором?
                    Choice
            caller  а літні є
            agent   Шукаю літні.
            tool    search_tires {"diameter":17,"profile":45,"quantity":4,"season":"summer","width":225}
            agent   Є три варіанти. Росава Сноугард: дві тисячі сто гривень, комплект — вісім тисяч чотириста. Нокіан Хакапеліта: три тисячі чотириста п'ятдесят гривень, комплект — тринадцять тисяч вісімсот. Мішлен Альпін: чотири тисячі сімсот вісімдесят дев'ять гривень, комплект — дев'ятнадцять тисяч сто п'ятдесят шість. Який вас цікавить?
                    Choice
        "#]],
    );
}

#[test]
fn by_car() {
    check(
        "
        шини на тойоту камрі дві тисячі вісімнадцятого року
        сімнадцятий
        зимові
        ",
        expect![[r#"
            caller  шини на тойоту камрі дві тисячі вісімнадцятого року
            agent   Тойота Камрі, дві тисячі вісімнадцятого року.
            tool    get_vehicle_tire_sizes {"make":"Toyota","model":"Camry","year":2018}
            agent   Вашому авто підходять радіуси шістнадцять, сімнадцять або вісімнадцять. Який у вас?
                    Size { width: None, profile: None, diameter: None }
            caller  сімнадцятий
            agent   Двісті п'ятнадцять на п'ятдесят п'ять, радіус сімнадцять. Літні, зимові чи всесезонні?
                    Season
            caller  зимові
            agent   Шукаю зимові.
            tool    search_tires {"diameter":17,"profile":55,"quantity":4,"season":"winter","width":215}
            agent   Є три варіанти. Росава Сноугард: дві тисячі сто гривень, комплект — вісім тисяч чотириста. Нокіан Хакапеліта: три тисячі чотириста п'ятдесят гривень, комплект — тринадцять тисяч вісімсот. Мішлен Альпін: чотири тисячі сімсот вісімдесят дев'ять гривень, комплект — дев'ятнадцять тисяч сто п'ятдесят шість. Перевірити наявність котрогось чи з'єднати з оператором?
                    Choice
        "#]],
    );
    check(
        "
        мені на рено
        логан
        п'ятнадцятого року
        всесезонні
        ",
        expect![[r#"
            caller  мені на рено
            agent   Рено. А яка модель?
                    Car { make: Some("Renault"), model: None }
            caller  логан
            agent   Рено Логан. Якого року?
                    Car { make: Some("Renault"), model: Some("Logan") }
            caller  п'ятнадцятого року
            agent   Рено Логан, дві тисячі п'ятнадцятого року.
            tool    get_vehicle_tire_sizes {"make":"Renault","model":"Logan","year":2015}
            agent   Вашому авто підходить сто вісімдесят п'ять на шістдесят п'ять, радіус п'ятнадцять. Літні, зимові чи всесезонні?
                    Season
            caller  всесезонні
            agent   Шукаю всесезонні.
            tool    search_tires {"diameter":15,"profile":65,"quantity":4,"season":"all_season","width":185}
            agent   Є три варіанти. Росава Сноугард: дві тисячі сто гривень, комплект — вісім тисяч чотириста. Нокіан Хакапеліта: три тисячі чотириста п'ятдесят гривень, комплект — тринадцять тисяч вісімсот. Мішлен Альпін: чотири тисячі сімсот вісімдесят дев'ять гривень, комплект — дев'ятнадцять тисяч сто п'ятдесят шість. Перевірити наявність котрогось чи з'єднати з оператором?
                    Choice
        "#]],
    );
    check(
        "
        логан
        дачія
        2016
        ",
        expect![[r#"
            caller  логан
            agent   Логан. А якої марки авто?
                    Car { make: None, model: Some("Logan") }
            caller  дачія
            agent   Дачія Логан. Якого року?
                    Car { make: Some("Dacia"), model: Some("Logan") }
            caller  2016
            agent   Дачія Логан, дві тисячі шістнадцятого року.
            tool    get_vehicle_tire_sizes {"make":"Dacia","model":"Logan","year":2016}
            agent   Вашому авто підходить сто вісімдесят п'ять на шістдесят п'ять, радіус п'ятнадцять. Літні, зимові чи всесезонні?
                    Season
        "#]],
    );
    check(
        "
        мазда шість дві тисячі дев'ятого
        двісті п'ятнадцять
        літо
        ",
        expect![[r#"
            caller  мазда шість дві тисячі дев'ятого
            agent   Мазда шість, дві тисячі дев'ятого року.
            tool    get_vehicle_tire_sizes {"make":"Mazda","model":"6","year":2009}
            agent   Вашому авто підходять розміри: двісті п'ять на шістдесят, радіус шістнадцять або двісті п'ятнадцять на шістдесят, радіус шістнадцять. Який у вас?
                    Size { width: None, profile: None, diameter: None }
            caller  двісті п'ятнадцять
            agent   Двісті п'ятнадцять на шістдесят, радіус шістнадцять. Літні, зимові чи всесезонні?
                    Season
            caller  літо
            agent   Шукаю літні.
            tool    search_tires {"diameter":16,"profile":60,"quantity":4,"season":"summer","width":215}
            agent   Є три варіанти. Росава Сноугард: дві тисячі сто гривень, комплект — вісім тисяч чотириста. Нокіан Хакапеліта: три тисячі чотириста п'ятдесят гривень, комплект — тринадцять тисяч вісімсот. Мішлен Альпін: чотири тисячі сімсот вісімдесят дев'ять гривень, комплект — дев'ятнадцять тисяч сто п'ятдесят шість. Перевірити наявність котрогось чи з'єднати з оператором?
                    Choice
        "#]],
    );
}

#[test]
fn a_car_of_several_kinds_and_a_car_unknown() {
    check(
        "
        shop ambiguous
        бмв ікс п'ять 2013 року
        F15
        ",
        expect![[r#"
            caller  бмв ікс п'ять 2013 року
            agent   БМВ ікс п'ять, дві тисячі тринадцятого року.
            tool    get_vehicle_tire_sizes {"make":"BMW","model":"X5","year":2013}
            agent   Є кілька модифікацій: е сімдесят або еф п'ятнадцять. Яка у вас?
                    Choice
            caller  F15
            agent   БМВ ікс п'ять, дві тисячі тринадцятого року.
            tool    get_vehicle_tire_sizes {"make":"BMW","model":"X5","modification":"F15","year":2013}
            agent   Вашому авто підходить двісті тридцять п'ять на шістдесят, радіус вісімнадцять. Літні, зимові чи всесезонні?
                    Season
        "#]],
    );
    check(
        "
        рено дастер 2015
        не знаю
        так
        ",
        expect![[r#"
            caller  рено дастер 2015
            agent   Рено Дастер, дві тисячі п'ятнадцятого року.
            tool    get_vehicle_tire_sizes {"make":"Renault","model":"Duster","year":2015}
            agent   Такого авто в каталозі немає. Назвіть, будь ласка, розмір із боковини шини.
                    Size { width: None, profile: None, diameter: None }
            caller  не знаю
            agent   Розмір написано на боковині шини, наприклад, двісті п'ять на п'ятдесят п'ять, радіус шістнадцять. Або назвіть авто.
                    Open
            caller  так
            agent   Які шини шукаєте? Назвіть розмір або автомобіль.
                    Open
        "#]],
    );
}

#[test]
fn what_was_relaxed_is_said() {
    check(
        "
        shop no brand
        shop no price
        зимові тойо 205/55 R16 до двох тисяч гривень дві штуки
        а дешевше є
        так
        ",
        expect![[r#"
            caller  зимові тойо 205/55 R16 до двох тисяч гривень дві штуки
            agent   Двісті п'ять на п'ятдесят п'ять, радіус шістнадцять. Шукаю зимові.
            tool    search_tires {"brand":"Toyo","diameter":16,"max_price":"2000.00","profile":55,"quantity":2,"season":"winter","width":205}
            agent   Тойо такого немає, є інші марки. За таку ціну немає, є дорожчі. Є три варіанти. Росава Сноугард: дві тисячі сто гривень, за дві — чотири тисячі двісті. Нокіан Хакапеліта: три тисячі чотириста п'ятдесят гривень, за дві — шість тисяч дев'ятсот. Мішлен Альпін: чотири тисячі сімсот вісімдесят дев'ять гривень, за дві — дев'ять тисяч п'ятсот сімдесят вісім. Перевірити наявність котрогось чи з'єднати з оператором?
                    Choice
            caller  а дешевше є
            agent   Найдешевший варіант — Росава Сноугард. Перевірити наявність?
                    YesNo
            caller  так
            agent   Росава Сноугард, перевіряю.
            tool    check_availability {"product_id":"t-1","quantity":2}
            agent   Є вісім штук: магазин на Оболоні, Київ. Також склад у Львові. З'єднати з оператором, щоб оформити?
                    YesNo
        "#]],
    );
}

#[test]
fn nothing_found() {
    check(
        "
        shop empty
        205 55 16 зимові шиповані
        ні
        ні дякую
        ",
        expect![[r#"
            caller  205 55 16 зимові шиповані
            agent   Двісті п'ять на п'ятдесят п'ять, радіус шістнадцять. Шукаю зимові.
            tool    search_tires {"diameter":16,"profile":55,"quantity":4,"season":"winter","stud":"studded","width":205}
            agent   На жаль, таких шин зараз немає. З'єднати з оператором, щоб підібрав під замовлення?
                    YesNo
            caller  ні
            agent   Чимось іще допомогти?
                    Open
            caller  ні дякую
            agent   Дякую за дзвінок. Гарного дня!
            tool    end_call {}
        "#]],
    );
}

#[test]
fn out_of_stock() {
    check(
        "
        shop out of stock
        205 55 16 літні
        давайте другий
        ні
        а літні на сімнадцять
        ",
        expect![[r#"
            caller  205 55 16 літні
            agent   Двісті п'ять на п'ятдесят п'ять, радіус шістнадцять. Шукаю літні.
            tool    search_tires {"diameter":16,"profile":55,"quantity":4,"season":"summer","width":205}
            agent   Є три варіанти. Росава Сноугард: дві тисячі сто гривень, комплект — вісім тисяч чотириста. Нокіан Хакапеліта: три тисячі чотириста п'ятдесят гривень, комплект — тринадцять тисяч вісімсот. Мішлен Альпін: чотири тисячі сімсот вісімдесят дев'ять гривень, комплект — дев'ятнадцять тисяч сто п'ятдесят шість. Перевірити наявність котрогось чи з'єднати з оператором?
                    Choice
            caller  давайте другий
            agent   Нокіан Хакапеліта, перевіряю.
            tool    check_availability {"product_id":"t-2","quantity":4}
            agent   Зараз на складі немає, постачальник привезе за три дні. З'єднати з оператором, щоб оформити?
                    YesNo
            caller  ні
            agent   Чимось іще допомогти?
                    Open
            caller  а літні на сімнадцять
            agent   Двісті п'ять на п'ятдесят п'ять, радіус сімнадцять — вірно?
                    YesNo
        "#]],
    );
}

#[test]
fn in_russian_and_english() {
    expect![[r#"
        caller  notice call started
        agent   Добрый день! Это магазин шин «Протектор». Вам отвечает автоматический помощник, разговор может записываться. Нужен человек — скажите «оператор». Какие шины ищете?
                Open
        caller  нужна зимняя резина двести пять на пятьдесят пять шестнадцать
        agent   Двести пять на пятьдесят пять, радиус шестнадцать. Ищу зимние.
        tool    search_tires {"diameter":16,"profile":55,"quantity":4,"season":"winter","width":205}
        agent   Есть три варианта. Росава Сноугард: две тысячи сто гривен, комплект — восемь тысяч четыреста. Нокиан Хакапелита: три тысячи четыреста пятьдесят гривен, комплект — тринадцать тысяч восемьсот. Мишлен Альпин: четыре тысячи семьсот восемьдесят девять гривен, комплект — девятнадцать тысяч сто пятьдесят шесть. Проверить наличие какого-то из них или соединить с оператором?
                Choice
        caller  второй
        agent   Нокиан Хакапелита, проверяю.
        tool    check_availability {"product_id":"t-2","quantity":4}
        agent   Есть восемь штук: магазин на Оболоні, Київ. Также склад у Львові. Соединить с оператором, чтобы оформить?
                YesNo
        caller  нет
        agent   Чем-то ещё помочь?
                Open
        caller  нет спасибо
        agent   Спасибо за звонок. Хорошего дня!
        tool    end_call {}
    "#]].assert_eq(&run(
        Language::Russian,
        "
        notice call started
        нужна зимняя резина двести пять на пятьдесят пять шестнадцать
        второй
        нет
        нет спасибо
        ",
    ));
    expect![[r#"
        caller  notice call started
        agent   Hello! This is the tyre shop Протектор. You are talking to an automated assistant, and the call may be recorded. For a person, say operator. Which tyres are you looking for?
                Open
        caller  I need winter tyres two oh five fifty five sixteen
        agent   Two hundred five, fifty-five, R sixteen. Looking for winter tyres.
        tool    search_tires {"diameter":16,"profile":55,"quantity":4,"season":"winter","width":205}
        agent   There are three options. Rosava Snowgard: two thousand one hundred hryvnias, a set eight thousand four hundred. Nokian Hakkapeliitta: three thousand four hundred fifty hryvnias, a set thirteen thousand eight hundred. Michelin Alpin: four thousand seven hundred eighty-nine hryvnias, a set nineteen thousand one hundred fifty-six. Shall I check the stock of one of them, or connect you to an operator?
                Choice
        caller  the first one
        agent   Rosava Snowgard, checking.
        tool    check_availability {"product_id":"t-1","quantity":4}
        agent   We have eight pieces: магазин на Оболоні, Київ. Also склад у Львові. Shall I connect you to an operator to order?
                YesNo
        caller  no
        agent   Anything else?
                Open
        caller  no thanks
        agent   Thank you for calling. Have a nice day!
        tool    end_call {}
    "#]].assert_eq(&run(
        Language::English,
        "
        notice call started
        I need winter tyres two oh five fifty five sixteen
        the first one
        no
        no thanks
        ",
    ));
    expect![[r#"
        caller  нужны шины на камри 2018 года
        agent   Тойота Камрі, дві тисячі вісімнадцятого року.
        tool    get_vehicle_tire_sizes {"make":"Toyota","model":"Camry","year":2018}
        agent   Вашому авто підходять радіуси шістнадцять, сімнадцять або вісімнадцять. Який у вас?
                Size { width: None, profile: None, diameter: None }
        caller  do you speak english
        agent   Я розумію українську, російську й англійську, а відповідаю українською. Вашому авто підходять радіуси шістнадцять, сімнадцять або вісімнадцять. Який у вас?
                Size { width: None, profile: None, diameter: None }
    "#]].assert_eq(&run(
        Language::Ukrainian,
        "
        нужны шины на камри 2018 года
        do you speak english
        ",
    ));
}

#[test]
fn offers_are_short_and_speakable() {
    let ladder = run(Language::Ukrainian, "205 55 16 зимові");
    let answer = ladder.lines().rfind(|line| line.starts_with("agent")).expect("an answer");
    assert!(!answer.contains("t-1") && !answer.contains("SKU"), "{answer}");
    assert!(!answer.bytes().any(|b| b.is_ascii_alphanumeric() && !b"agent".contains(&b)), "{answer}");
    // An amount counts as one word: «чотири тисячі сімсот вісімдесят дев'ять» is one price.
    let amounts = crate::spoken::number::items(answer);
    assert!(!amounts.is_empty());
    let offers: Vec<&str> = answer.split(". ").filter(|sentence| sentence.contains("гривень")).collect();
    assert_eq!(offers.len(), 3, "{answer}");
    for offer in offers {
        let items = crate::spoken::number::items(offer);
        let words = items.iter().filter(|item| matches!(item, crate::spoken::number::Item::Word(_))).count();
        assert!(words + crate::spoken::number::numbers(&items).len() <= 12, "{offer}");
    }
}
