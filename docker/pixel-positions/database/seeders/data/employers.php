<?php

/*
 * The invented employers of the demo board and what they are hiring for.
 *
 * Each job reads: title, family, workplace, schedule, lowest and highest pay,
 * tags, summary. The family picks the body text in families.php.
 */

return [
    ['Lumen Ferry', 'lumen-ferry', 'Bergen, Norway', 'EUR', 'Timetables and tickets for island ferries.', [
        ['Backend Engineer, Timetables', 'engineering', 'hybrid', 'full-time', 62000, 78000, 'php, laravel, postgres', 'Keep forty ferry lines on time in software: tides, crews and a timetable that changes with the weather.'],
        ['Product Designer, Onboard Screens', 'design', 'hybrid', 'full-time', 54000, 66000, 'design, accessibility', 'Design departure screens that are readable in rain, in glare and from the far end of a quay.'],
        ['Support Specialist', 'people', 'on-site', 'part-time', 28000, 33000, 'support, norwegian', 'Answer the passengers whose ferry just left, and turn what they tell you into product notes.'],
    ]],
    ['Oatfield Robotics', 'oatfield-robotics', 'Utrecht, Netherlands', 'EUR', 'Small robots that weed large fields.', [
        ['Embedded Rust Engineer', 'engineering', 'hybrid', 'full-time', 68000, 88000, 'rust, embedded, robotics', 'Write the motion firmware of a solar weeder that must never, ever, run over the lettuce.'],
        ['Computer Vision Engineer', 'data', 'remote', 'full-time', 66000, 84000, 'python, machine learning, robotics', 'Tell chickweed from carrot at two metres per second, on a computer that runs on sunshine.'],
        ['Field Test Coordinator', 'operations', 'on-site', 'contract', 38000, 44000, 'operations, field work', 'Plan the season: which robot on which farm, and who drives out when one of them sulks.'],
    ]],
    ['Quiet Harbor Audio', 'quiet-harbor-audio', 'Porto, Portugal', 'EUR', 'Noise maps and calmer cities.', [
        ['Frontend Engineer, Maps', 'engineering', 'remote', 'full-time', 48000, 62000, 'javascript, maps, accessibility', 'Draw a million decibel readings on a map that opens in a second on a five-year-old phone.'],
        ['Audio Signal Researcher', 'data', 'hybrid', 'full-time', 52000, 68000, 'python, audio, research', 'Separate trams from thunder in street recordings, without keeping a single human voice.'],
        ['Community Manager', 'people', 'hybrid', 'part-time', 24000, 30000, 'community, writing', 'Look after six hundred volunteers with a microphone on their balcony.'],
    ]],
    ['Ledgerleaf', 'ledgerleaf', 'Tallinn, Estonia', 'EUR', 'Bookkeeping for co-operatives.', [
        ['Senior Laravel Developer', 'engineering', 'remote', 'full-time', 58000, 74000, 'php, laravel, mysql', 'Own the ledger core: double entry, many owners, and reports an auditor actually enjoys.'],
        ['Technical Writer', 'writing', 'remote', 'contract', 42000, 50000, 'writing, documentation', 'Explain dividends, quorums and closing the year to people who would rather bake bread.'],
        ['QA Engineer', 'engineering', 'hybrid', 'full-time', 44000, 56000, 'testing, automation', 'Break the month-end close before our customers do, then make sure it stays unbroken.'],
    ]],
    ['Nordlight Maps', 'nordlight-maps', 'Tromsø, Norway', 'EUR', 'Trail maps that work without signal.', [
        ['Mobile Engineer, Offline Sync', 'engineering', 'remote', 'full-time', 64000, 82000, 'kotlin, mobile, maps', 'Sync a mountain range to a phone over one bar of reception, and survive the battery dying.'],
        ['Cartographer', 'design', 'hybrid', 'full-time', 46000, 58000, 'maps, design', 'Draw contour lines people trust with their ankles. Strong opinions on hill shading welcome.'],
        ['Data Engineer', 'data', 'remote', 'full-time', 60000, 76000, 'python, postgres, maps', 'Merge eleven national map surveys that disagree about where the river is.'],
    ]],
    ['Papercrane Studio', 'papercrane-studio', 'Ghent, Belgium', 'EUR', 'Picture books that come alive on tablets.', [
        ['Illustrator and Animator', 'design', 'hybrid', 'full-time', 38000, 48000, 'illustration, animation', 'Make a paper fox blink. Then a forest. Then a whole bedtime, frame by frame.'],
        ['Creative Developer', 'engineering', 'hybrid', 'full-time', 46000, 60000, 'javascript, animation, svg', 'Bring watercolours to life in the browser with more patience than polygons.'],
        ['Children’s Editor', 'writing', 'remote', 'part-time', 22000, 28000, 'writing, editing', 'Find the one word a five-year-old will ask to hear again, and cut the other nine.'],
    ]],
    ['Kettle & Byte', 'kettle-and-byte', 'Leeds, United Kingdom', 'GBP', 'Tills and rotas for independent cafés.', [
        ['Full-stack PHP Developer', 'engineering', 'hybrid', 'full-time', 42000, 55000, 'php, laravel, javascript', 'Build the till that keeps taking orders when the café’s internet goes for its own coffee.'],
        ['Hardware Support Technician', 'operations', 'on-site', 'full-time', 27000, 32000, 'support, hardware', 'Receipt printers. You know how to calm them. We would like to learn your secret.'],
        ['Sales Lead, Independent Cafés', 'people', 'hybrid', 'full-time', 36000, 46000, 'sales', 'Drink a great deal of flat white and be honest about whether we are the right till.'],
    ]],
    ['Tidewater Grid', 'tidewater-grid', 'Aarhus, Denmark', 'EUR', 'Forecasts for tidal power.', [
        ['Site Reliability Engineer', 'engineering', 'remote', 'full-time', 70000, 90000, 'linux, kubernetes, reliability', 'Keep forecasts flowing to four power grids. The moon has never missed a deadline, nor do we.'],
        ['Forecasting Scientist', 'data', 'hybrid', 'full-time', 64000, 80000, 'python, forecasting, research', 'Predict tomorrow’s current to the quarter hour, and say honestly how sure you are.'],
        ['Energy Market Analyst', 'operations', 'hybrid', 'full-time', 56000, 70000, 'analysis, energy', 'Read the market so that the turbines are paid fairly for getting up at four.'],
    ]],
    ['Moss & Mortar', 'moss-and-mortar', 'Vienna, Austria', 'EUR', 'Renovation plans for old houses.', [
        ['Vue Developer', 'engineering', 'hybrid', 'full-time', 50000, 64000, 'javascript, vue', 'Build a floor-plan editor that respects walls older than most countries.'],
        ['Building Physicist', 'data', 'on-site', 'full-time', 52000, 66000, 'energy, research', 'Work out where the warmth goes, and say it in a sentence a landlord understands.'],
        ['Project Manager, Renovation', 'operations', 'hybrid', 'full-time', 48000, 60000, 'project management', 'Keep roofers, residents and a heritage office on the same calendar, and on good terms.'],
    ]],
    ['Halfpenny Bank', 'halfpenny-bank', 'Edinburgh, United Kingdom', 'GBP', 'A savings bank that rounds in your favour.', [
        ['Platform Engineer', 'engineering', 'hybrid', 'full-time', 64000, 82000, 'go, kubernetes, linux', 'Run the boring, beautiful machinery under half a million savings accounts.'],
        ['Security Engineer', 'engineering', 'remote', 'full-time', 68000, 88000, 'security, linux', 'Think like a thief on weekdays and write it all down so the rest of us can sleep.'],
        ['Content Designer', 'writing', 'remote', 'full-time', 44000, 54000, 'writing, accessibility, design', 'Rewrite every sentence of a bank until nobody needs to read it twice.'],
    ]],
    ['Sundial Health', 'sundial-health', 'Lyon, France', 'EUR', 'Fair shift plans for hospitals.', [
        ['Optimisation Engineer', 'engineering', 'remote', 'full-time', 62000, 80000, 'python, optimisation, research', 'Schedule nine hundred nurses so that everybody gets a weekend. Yes, everybody.'],
        ['Backend Developer', 'engineering', 'hybrid', 'full-time', 54000, 68000, 'php, symfony, postgres', 'Build the service that swaps shifts at three in the morning, quietly and correctly.'],
        ['Customer Success, Hospitals', 'people', 'hybrid', 'full-time', 40000, 50000, 'support, healthcare', 'Sit with ward managers, watch where the plan hurts, and bring it home to us.'],
    ]],
    ['Copperline Rail', 'copperline-rail', 'Zürich, Switzerland', 'CHF', 'Diagnostics for railway signals.', [
        ['Rust Systems Engineer', 'engineering', 'hybrid', 'full-time', 118000, 142000, 'rust, linux, networking', 'Collect telemetry from ten thousand trackside boxes and never lose a byte in a tunnel.'],
        ['Data Analyst, Signalling', 'data', 'hybrid', 'full-time', 98000, 116000, 'sql, analysis', 'Find the relay that will fail next Tuesday, and convince somebody to change it on Monday.'],
        ['Night Shift Operator', 'operations', 'on-site', 'part-time', 62000, 70000, 'operations, german', 'Watch the network while Switzerland sleeps. Good coffee, better sunrises.'],
    ]],
    ['Brightmoth Games', 'brightmoth-games', 'Kraków, Poland', 'EUR', 'Cosy games about small creatures.', [
        ['Gameplay Programmer', 'engineering', 'hybrid', 'full-time', 42000, 58000, 'c++, games', 'Make a moth’s landing feel right. It will take three weeks and be worth every one.'],
        ['Pixel Artist', 'design', 'remote', 'contract', 34000, 44000, 'illustration, animation, games', 'Sixteen colours, thirty-two pixels, one very expressive beetle.'],
        ['Narrative Designer', 'writing', 'remote', 'part-time', 24000, 32000, 'writing, games', 'Write the diary of a snail. Branching, funny, and slower than any snail has a right to be.'],
    ]],
    ['Pocket Orchard', 'pocket-orchard', 'Bologna, Italy', 'EUR', 'Fruit boxes from trees near you.', [
        ['Logistics Developer', 'engineering', 'hybrid', 'full-time', 44000, 56000, 'php, laravel, optimisation', 'Route two hundred vans around ripe peaches. Peaches do not wait for a retry.'],
        ['Harvest Planner', 'operations', 'on-site', 'full-time', 32000, 38000, 'operations, field work', 'Call the growers, read the sky, and decide what four thousand kitchens eat on Friday.'],
        ['Brand Designer', 'design', 'remote', 'contract', 36000, 46000, 'design, illustration', 'Draw labels good enough that people keep the box.'],
    ]],
    ['Fathom Press', 'fathom-press', 'Dublin, Ireland', 'EUR', 'Science publishing without the paywall.', [
        ['Software Engineer, Publishing', 'engineering', 'remote', 'full-time', 62000, 78000, 'python, postgres, accessibility', 'Turn forty kinds of manuscript into one kind of page that every reader can use.'],
        ['Managing Editor', 'writing', 'hybrid', 'full-time', 48000, 58000, 'editing, research', 'Shepherd peer review with kindness, firmness and a very tidy spreadsheet.'],
        ['Developer Advocate', 'people', 'remote', 'full-time', 56000, 70000, 'community, writing, api', 'Show librarians and tinkerers what an open archive can do when you ask it nicely.'],
    ]],
    ['Velvet Router', 'velvet-router', 'Rotterdam, Netherlands', 'EUR', 'Home network gear you can repair.', [
        ['Network Engineer', 'engineering', 'hybrid', 'full-time', 62000, 78000, 'networking, linux, rust', 'Packets in, packets out, no mysteries in between. You will own the part in between.'],
        ['Industrial Designer', 'design', 'on-site', 'full-time', 52000, 64000, 'design, hardware', 'Design a router that opens with a coin and looks good enough to leave in sight.'],
        ['Repair Workshop Lead', 'operations', 'on-site', 'full-time', 40000, 48000, 'hardware, support', 'Run the bench where tired routers get a second decade.'],
    ]],
    ['Ninth Street Bikes', 'ninth-street-bikes', 'Copenhagen, Denmark', 'EUR', 'Cargo bikes by subscription.', [
        ['Mobile Developer', 'engineering', 'hybrid', 'full-time', 60000, 76000, 'swift, mobile', 'Unlock a cargo bike in one tap, with gloves on, in February.'],
        ['Service Operations Manager', 'operations', 'on-site', 'full-time', 50000, 60000, 'operations, logistics', 'Nine mechanics, two thousand bikes, one whiteboard. Bring your own markers.'],
        ['Growth Analyst', 'data', 'hybrid', 'full-time', 52000, 64000, 'sql, analysis', 'Work out why people keep the bike in winter, then help more of them do it.'],
    ]],
    ['Anchorpoint Legal', 'anchorpoint-legal', 'Hamburg, Germany', 'EUR', 'Contracts in plain language.', [
        ['Backend Engineer, Documents', 'engineering', 'remote', 'full-time', 60000, 76000, 'php, laravel, search', 'Compare two contracts and point, calmly, at the one word that changed.'],
        ['Legal Content Lead', 'writing', 'hybrid', 'full-time', 52000, 64000, 'writing, german, legal', 'Translate clauses from lawyer to human and back without losing a comma that matters.'],
        ['Office and People Manager', 'people', 'on-site', 'part-time', 30000, 36000, 'operations, german', 'Keep a team of thirty fed, paid, welcomed and on speaking terms with the coffee machine.'],
    ]],
    ['Saffron Stack', 'saffron-stack', 'Valencia, Spain', 'EUR', 'Recipes that scale themselves.', [
        ['Search Engineer', 'engineering', 'remote', 'full-time', 50000, 64000, 'search, python', 'Understand “something warm with leeks, no oven” and answer it in eighty milliseconds.'],
        ['Food Photographer', 'design', 'on-site', 'contract', 30000, 38000, 'photography, design', 'Photograph soup so that it looks like soup, only more so.'],
        ['Recipe Editor', 'writing', 'remote', 'part-time', 20000, 26000, 'writing, editing', 'Test it, taste it, and take out the step that nobody ever does.'],
    ]],
    ['Glasshouse Labs', 'glasshouse-labs', 'Leuven, Belgium', 'EUR', 'Open instruments for plant research.', [
        ['Firmware Engineer', 'engineering', 'on-site', 'full-time', 54000, 68000, 'embedded, c++, hardware', 'Sense light, water and the mood of a tomato plant on two coin cells a year.'],
        ['Research Software Engineer', 'data', 'hybrid', 'full-time', 56000, 70000, 'python, research, documentation', 'Turn a lab notebook into a library that other labs install on purpose.'],
        ['Grant Writer', 'writing', 'remote', 'part-time', 26000, 32000, 'writing, research', 'Make a funding committee care about stomata. You have eleven pages.'],
    ]],
    ['Wren & Wilder', 'wren-and-wilder', 'Bristol, United Kingdom', 'GBP', 'Listening posts for wildlife.', [
        ['Machine Listening Engineer', 'data', 'remote', 'full-time', 52000, 66000, 'python, machine learning, audio', 'Teach a solar box in a hedge to tell two hundred birds apart, politely.'],
        ['Frontend Developer', 'engineering', 'remote', 'full-time', 44000, 56000, 'javascript, maps, accessibility', 'Show a dawn chorus as a picture. Extra credit if it makes a ranger smile.'],
        ['Field Ecologist', 'operations', 'on-site', 'contract', 30000, 36000, 'field work, research', 'Wade, climb, count, note. Then tell the engineers what the box got wrong.'],
    ]],
    ['Cobalt Courier', 'cobalt-courier', 'Warsaw, Poland', 'EUR', 'Parcel lockers for apartment blocks.', [
        ['Senior PHP Engineer', 'engineering', 'remote', 'full-time', 52000, 68000, 'php, symfony, mysql', 'Forty thousand locker doors, one state machine. Make it impossible to open the wrong one.'],
        ['Android Engineer, Lockers', 'engineering', 'hybrid', 'full-time', 46000, 60000, 'kotlin, mobile, embedded', 'Ship the screen on the locker: works in frost, works in gloves, works first time.'],
        ['Operations Analyst', 'operations', 'hybrid', 'full-time', 34000, 44000, 'sql, logistics, analysis', 'Move empty capacity to where the parcels will be tomorrow, not where they were.'],
    ]],
    ['Fieldfare Schools', 'fieldfare-schools', 'Helsinki, Finland', 'EUR', 'Classroom tools that respect pupils.', [
        ['Privacy Engineer', 'engineering', 'remote', 'full-time', 62000, 78000, 'security, privacy, laravel', 'Prove that we do not know what we promised not to know.'],
        ['Learning Designer', 'design', 'hybrid', 'full-time', 46000, 56000, 'design, education', 'Design the ten quiet minutes of a lesson in which something finally clicks.'],
        ['School Partnerships Lead', 'people', 'hybrid', 'full-time', 44000, 54000, 'sales, education, finnish', 'Meet head teachers where they are, which is mostly the corridor.'],
    ]],
    ['Redbrick Weather', 'redbrick-weather', 'Manchester, United Kingdom', 'GBP', 'Forecasts for one street at a time.', [
        ['API Engineer', 'engineering', 'remote', 'full-time', 54000, 70000, 'go, api, postgres', 'Answer “will it rain on my washing” nine thousand times a second, and be right.'],
        ['Data Visualisation Designer', 'design', 'hybrid', 'full-time', 46000, 58000, 'design, javascript, svg', 'Draw uncertainty so that people still know whether to take a coat.'],
        ['DevOps Engineer', 'engineering', 'remote', 'full-time', 58000, 74000, 'linux, docker, reliability', 'Make deploys as predictable as drizzle in November.'],
    ]],
];
