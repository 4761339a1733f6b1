<?php

namespace App\Http\Controllers;

use App\Http\Requests\StorePositionRequest;
use App\Models\Employer;
use App\Models\User;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Auth;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Hash;

class RegistrationController extends Controller
{
    public function create()
    {
        return view('auth.register');
    }

    public function store(Request $request)
    {
        $fields = $request->validate([
            'name' => ['required', 'string', 'max:120'],
            'email' => ['required', 'string', 'email', 'max:190', 'unique:users,email'],
            'password' => ['required', 'string', 'min:8', 'max:72', 'confirmed'],
            'company' => ['required', 'string', 'max:120'],
            'city' => ['nullable', 'string', 'max:120'],
            'tagline' => ['nullable', 'string', 'max:200'],
            'logo' => StorePositionRequest::LOGO_RULES,
        ]);

        $user = DB::transaction(function () use ($fields): User {
            $user = User::create([
                'name' => $fields['name'],
                'email' => mb_strtolower($fields['email']),
                'password' => Hash::make($fields['password']),
            ]);

            $user->employer()->create([
                'name' => $fields['company'],
                'slug' => Employer::freeSlug($fields['company']),
                'tagline' => $fields['tagline'] ?? null,
                'city' => $fields['city'] ?? null,
            ]);

            return $user;
        });

        if ($request->hasFile('logo')) {
            $user->employer->replaceLogo($request->file('logo'));
        }

        Auth::login($user);
        $request->session()->regenerate();

        return redirect()->route('positions.create')
            ->with('status', "Welcome aboard, {$user->name}. Post your first job whenever you are ready.");
    }
}
