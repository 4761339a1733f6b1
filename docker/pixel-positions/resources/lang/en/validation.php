<?php

return [
    'required' => 'Please fill in the :attribute.',
    'string' => 'The :attribute must be text.',
    'email' => 'That does not look like an email address.',
    'unique' => 'That :attribute is taken already.',
    'confirmed' => 'The two entries differ.',
    'integer' => 'The :attribute must be a whole number.',
    'boolean' => 'The :attribute is either on or off.',
    'url' => 'The :attribute must be a full web address.',
    'regex' => 'The :attribute has the wrong form.',
    'in' => 'Choose one of the options for the :attribute.',
    'image' => 'The :attribute must be an image.',
    'mimes' => 'The :attribute must be a :values file.',
    'uploaded' => 'The :attribute did not arrive; it may be too large.',
    'min' => [
        'numeric' => 'The :attribute must be at least :min.',
        'string' => 'The :attribute needs at least :min characters.',
    ],
    'max' => [
        'numeric' => 'The :attribute must be at most :max.',
        'file' => 'The :attribute must be at most :max kilobytes.',
        'string' => 'The :attribute must be at most :max characters.',
    ],

    'attributes' => [
        'apply_url' => 'application address',
        'company' => 'company name',
        'salary_min' => 'lower salary',
        'salary_max' => 'upper salary',
    ],
];
