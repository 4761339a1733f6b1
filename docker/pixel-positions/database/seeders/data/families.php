<?php

/* Body texts by kind of work: what the days are like, what helps. */

return [
    'engineering' => [
        'days' => ['Build features end to end, from the sketch on paper to the graph in production', 'Review code with care and have yours reviewed the same way', 'Keep the tests fast and the deploys dull', 'Join the support desk one afternoon a month, because that is where the truth lives'],
        'helps' => ['Some years of building things other people depend on', 'The habit of writing down why, not only what', 'A liking for small steps, clear names and deleted code'],
    ],
    'design' => [
        'days' => ['Sketch early, show it early, throw half of it away', 'Work beside the people who build it until the last pixel sits', 'Test with real people in the places where they will use it', 'Look after the shared library so that consistency costs nobody effort'],
        'helps' => ['A portfolio that shows decisions and not only results', 'Care for contrast, keyboard and screen readers from the first draft', 'Patience with constraints, and delight in them'],
    ],
    'data' => [
        'days' => ['Frame the question before reaching for the model', 'Clean, join and distrust the data until it deserves trust', 'Explain the result, and its error bars, to people who will act on it', 'Bring what works into production together with the engineers'],
        'helps' => ['Solid statistics and the honesty to say “we do not know”', 'Code that a colleague can run next year', 'Curiosity about the world behind the numbers'],
    ],
    'operations' => [
        'days' => ['Plan the week and stay calm when the week has other plans', 'Talk to everybody involved before a problem becomes a meeting', 'Write the checklist, then improve it every time it is used', 'Measure what slows people down and take it out of their way'],
        'helps' => ['Experience in making things run that have many moving parts', 'Clear writing and a friendly telephone voice', 'A driving licence, or a strong relationship with trains'],
    ],
    'writing' => [
        'days' => ['Write, cut, read aloud, cut again', 'Interview the people who know, and credit them', 'Keep the style guide short enough to be read', 'Review other people’s words with a light hand'],
        'helps' => ['Samples you are proud of, whatever their length', 'An ear for how a sentence sounds to a tired reader', 'Ease with drafts, comments and deadlines'],
    ],
    'people' => [
        'days' => ['Listen first; most answers are in the second half of the story', 'Follow up when you said you would', 'Turn what you hear into notes the whole team reads', 'Welcome newcomers so that their first week feels like the third'],
        'helps' => ['Warmth that survives a Monday morning', 'Good judgement about when to bend a rule and when to fix it', 'Orderly notes'],
    ],
];
