/// Questions of daily life that hardly any knowledge base answers: how near they come to a knowledge base's chunks is what
/// nearness means there when nothing is meant.
enum UnrelatedQuestions {
    static let english = [
        "How do I get red wine out of a carpet?", "What is the best way to house-train a puppy?",
        "How long does an egg boil until the yolk is just soft?", "Which chess opening suits a beginner?",
        "Why does my bicycle chain slip?", "How often does a cactus want water?",
        "What helps against a sore throat in the morning?", "How can I improve my golf swing?",
        "Who won the swimming contest last weekend?", "When does the pharmacy around the corner close?",
        "How is the battery of a wrist watch changed?", "What tyre pressure does a small car need?",
        "Can cooked rice be frozen?", "How do I tune a guitar by ear?", "Why does a cat blink slowly?",
        "How much paint does a bedroom wall need?", "What is a good name for a goldfish?",
        "How is a kitchen knife sharpened?", "At what temperature does gallium melt?", "How many moons does Neptune have?",
    ]
    static let german = [
        "Wie bekomme ich Rotwein aus einem Teppich?", "Wie wird ein Welpe am besten stubenrein?",
        "Wie lange kocht ein Ei, bis das Eigelb gerade noch weich ist?", "Welche Schacheröffnung passt zu einem Anfänger?",
        "Warum springt meine Fahrradkette ab?", "Wie oft will ein Kaktus Wasser?", "Was hilft morgens gegen Halsschmerzen?",
        "Wie kann ich meinen Golfschwung verbessern?", "Wer hat am Wochenende den Schwimmwettkampf gewonnen?",
        "Wann schließt die Apotheke um die Ecke?", "Wie wird die Batterie einer Armbanduhr gewechselt?",
        "Welchen Reifendruck braucht ein Kleinwagen?", "Kann man gekochten Reis einfrieren?",
        "Wie stimme ich eine Gitarre nach Gehör?", "Warum blinzelt eine Katze langsam?",
        "Wie viel Farbe braucht eine Schlafzimmerwand?", "Was ist ein guter Name für einen Goldfisch?",
        "Wie wird ein Küchenmesser geschärft?", "Bei welcher Temperatur schmilzt Gallium?", "Wie viele Monde hat Neptun?",
    ]
}
