<?php

namespace App\Http\Controllers;

use App\Models\Employer;
use App\Models\Position;
use App\Models\Tag;

class HomeController extends Controller
{
    public function __invoke()
    {
        return view('home', [
            'featured' => Position::forCards()->where('featured', true)->limit(6)->get(),
            'recent' => Position::forCards()->where('featured', false)->limit(10)->get(),
            'tags' => Tag::withCount('positions')->orderByDesc('positions_count')->orderBy('name')->limit(18)->get(),
            'openings' => Position::count(),
            'remote' => Position::where('workplace', 'remote')->count(),
            'employers' => Employer::count(),
        ]);
    }
}
