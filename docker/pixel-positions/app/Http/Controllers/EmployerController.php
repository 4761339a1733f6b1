<?php

namespace App\Http\Controllers;

use App\Models\Employer;

class EmployerController extends Controller
{
    public function index()
    {
        return view('employers.index', [
            'employers' => Employer::withCount('positions')->orderBy('name')->paginate(24),
        ]);
    }

    public function show(Employer $employer)
    {
        return view('employers.show', [
            'employer' => $employer,
            'positions' => $employer->positions()->forCards()->get(),
        ]);
    }
}
