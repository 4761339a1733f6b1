<?php

namespace App\Http\Controllers;

use App\Models\Position;
use App\Models\Tag;

class TagController extends Controller
{
    public function index()
    {
        return view('tags.index', [
            'tags' => Tag::has('positions')->withCount('positions')->orderBy('name')->get(),
        ]);
    }

    public function show(Tag $tag)
    {
        return view('tags.show', [
            'tag' => $tag,
            'positions' => Position::forCards()
                ->whereHas('tags', fn ($query) => $query->where('tags.id', $tag->id))
                ->paginate(12),
        ]);
    }
}
